import { existsSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

const executables = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** What a video element tells of what it plays. */
export interface FirefoxLook {
  readonly currentTime: number;
  readonly decodedFrames: number;
  readonly width: number;
}

/** A real Firefox with one page, driven by WebDriver BiDi. */
export class FirefoxPage {
  readonly page: Page;
  /** Errors of the page, oldest first. */
  readonly problems: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(String(error)));
  }

  static async open(url: string): Promise<FirefoxPage> {
    const executablePath = process.env['FIREFOX'] ?? executables.find((path) => existsSync(path));
    if (executablePath === undefined) throw new Error('No Firefox found: install the package firefox-esr, or set FIREFOX to its path.');
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      // Sound, too, may begin without a click.
      extraPrefsFirefox: { 'media.autoplay.default': 0 },
    });
    const firefox = new FirefoxPage(browser, await browser.newPage());
    await firefox.page.goto(url);
    return firefox;
  }

  /** Looks at the first video of the page. */
  async look(): Promise<FirefoxLook> {
    return (await this.page.evaluate(`(() => {
      const video = document.querySelector('video');
      return {
        currentTime: video?.currentTime ?? 0,
        width: video?.videoWidth ?? 0,
        decodedFrames: video?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
      };
    })()`)) as FirefoxLook;
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
