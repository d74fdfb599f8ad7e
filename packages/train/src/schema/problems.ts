import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** What a schema found wrong, for people: each with the field it is about. Parse with `reportInput: true`. */
export const problemsOf = (
  { issues }: { issues: readonly Issue[] },
  whole = 'the experiment',
): string[] =>
  issues.map((issue) => `${issue.path.map(String).join('.') || whole}: ${explanation(issue)}`);

/** What is wrong with a field, and what is allowed. */
export function explanation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return mustBe(expected[issue.expected] ?? issue.expected, issue);
    case 'invalid_value':
      return mustBe(issue.values.map((value) => JSON.stringify(value)).join(' or '), issue);
    case 'too_small':
      return mustBe(issue.inclusive ? `${issue.minimum} or more` : `above ${issue.minimum}`, issue);
    case 'too_big':
      return mustBe(issue.inclusive ? `${issue.maximum} or less` : `below ${issue.maximum}`, issue);
    case 'invalid_key':
      return issue.issues.map(({ message }) => message).join('; ');
    case 'invalid_union':
      return issue.errors
        .flatMap((errors) => errors.map((error) => explanation(error)))
        .join('; or it ');
    default:
      return issue.message;
  }
}

const expected: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object with a name for each',
  array: 'a list',
};

const mustBe = (what: string, { input }: Issue): string =>
  input === undefined ? `is missing: it must be ${what}` : `must be ${what}; got ${show(input)}`;

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
