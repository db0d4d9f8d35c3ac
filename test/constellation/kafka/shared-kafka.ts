import { get } from 'node:http';
import { Admin } from '@platformatic/kafka';

/** Asks the run of tests for its broker; the first who asks may wait for Kafka's jars. @throws Error as the start failed */
export function sharedAddress(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    }).on('error', reject);
  });
}

/** Removes the topics in whose names `mark` is: a broker that many share is to be as quick for the last as for the first. */
export async function deleteTopics(address: string, mark: string): Promise<void> {
  const admin = new Admin({ clientId: 'constellation', bootstrapBrokers: address.split(',') });
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.includes(mark));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.close();
  }
}
