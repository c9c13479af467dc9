import { expect, test } from 'vitest';
import { examplePlan } from '../../src/demo/example-plan.js';
import { sayPlan } from '../../src/domain/say-plan.js';
import { textOf } from '../house/files.js';

test('the example of docs/plan.md is what its command prints', async () => {
  const [, shown] = /^```text\n([\s\S]*?)\n```$/m.exec(textOf('docs/plan.md')) ?? [];
  expect(shown?.split('\n')).toEqual(sayPlan(await examplePlan()));
});

test('the example has every section there is, and docs/plan.md explains each under its title', async () => {
  const titles = (await examplePlan()).sections.map(({ title }) => title.split(':')[0] ?? '');
  expect(titles).toHaveLength(10);
  const explained = [...textOf('docs/plan.md').matchAll(/^\*\*([^*]+)\.\*\*/gm)].map(([, title]) => title);
  expect(explained).toEqual(titles);
});
