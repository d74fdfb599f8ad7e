import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { type BoardEntry, board } from '../src/index.ts';
import { entry } from './made-up-board.ts';
import { madeUpVerdict } from './made-up-measures.ts';

const documentOf = (entries: BoardEntry[], leftOut: { name: string; reason: string }[] = []) =>
  parseHTML(board({ title: 'Board', entries, leftOut })).document;

describe('board', () => {
  it('ranks the networks of one data set and threat model by their worst case; equals share a rank', () => {
    const document = documentOf([
      entry('b', 40),
      entry('a', 40),
      entry('best', 55, { data: 'cifar10, test[0:100]' }),
      entry('other ε', 70, { epsilon: 2 / 255 }),
      entry('other data', 60, { data: 'fashion-mnist, test' }),
      entry('last', 0),
    ]);
    const tables = [...document.querySelectorAll('section')].flatMap((section) => {
      const rows = [...section.querySelectorAll('.board tbody tr')];
      const shown = rows.map((row) =>
        [...row.querySelectorAll('th, td')].slice(0, 2).map((cell) => cell.textContent),
      );
      return rows.length > 0 ? [[section.querySelector('h2')!.textContent, shown]] : [];
    });
    expect(tables).toEqual([
      ['cifar10, test, ℓ∞, ε = 2/255', [['other ε', '1']]],
      [
        'cifar10, test, ℓ∞, ε = 8/255',
        [
          ['best', '1'],
          ['a', '2'],
          ['b', '2'],
          ['last', '4'],
        ],
      ],
      ['fashion-mnist, test, ℓ∞, ε = 8/255', [['other data', '1']]],
    ]);
  });

  it('gives every row a card, where all is said', () => {
    const document = documentOf([
      entry('one', 44, {
        parameters: 24310,
        training: 'llr (lambda 4)',
        seconds: 90,
        meanSqrtGamma: 0.25,
        verdict: madeUpVerdict('masked'),
        violations: 3,
        warnings: [{ check: 'zero-gradients', message: 'Gradients are 0.' }],
        report: '../one/report.html',
        details: { commit: 'abc' },
      }),
    ]);
    const [link] = document.querySelectorAll('.board tbody th a');
    const card = document.querySelector(
      `article[aria-labelledby=${link!.getAttribute('href')!.slice(1)}]`,
    )!;
    const text = card.textContent!.replace(/\s+/g, ' ');
    for (const said of [
      '24,310',
      'llr (lambda 4)',
      '1 min 30 s',
      '0.25',
      'abc',
      'Gradients are masked',
      '3 images violate a bound',
      'Gradients are 0.',
      'pgd-50',
      '44.0 %',
    ]) {
      expect(text.replaceAll('\u202f', ' '), said).toContain(said);
    }
    expect(card.querySelector('a')!.getAttribute('href')).toBe('../one/report.html');
    const row = document.querySelector('.board tbody tr')!.textContent;
    expect(row).toContain('gradients are masked, 3 images violate a bound, 1 warning');
  });

  it('says where networks were attacked in different ways', () => {
    const alike = documentOf([entry('a', 1), entry('b', 2)]);
    const different = documentOf([entry('a', 1), entry('b', 2, { attacks: ['fgsm'] })]);
    expect(alike.body.textContent).not.toContain('not all attacked alike');
    expect(different.body.textContent).toContain('not all attacked alike');
  });

  it('says what it left out, also where nothing is left', () => {
    const document = documentOf([], [{ name: 'x/LLR', reason: 'not evaluated' }]);
    const [left] = document.querySelectorAll('section li');
    expect(left!.textContent).toBe('x/LLR: not evaluated');
    expect(document.querySelectorAll('table').length).toBe(0);
  });

  it('escapes what it is given', () => {
    const evil = '<script>alert("1")</script>';
    const page = board({
      title: evil,
      entries: [entry(evil, 1, { training: evil, report: `"${evil}`, details: { [evil]: evil } })],
      leftOut: [{ name: evil, reason: evil }],
    });
    expect(page.match(/<\/?script/gi)).toEqual(['<script', '</script']);
    expect(parseHTML(page).document.querySelector('.board th a')!.textContent).toBe(evil);
  });

  it('refuses one name twice, and what is no share', () => {
    expect(() => documentOf([entry('a', 1), entry('a', 2)])).toThrow(/called "a"/);
    const percent = entry('p', 1);
    percent.evaluation.robust = { correct: 55, total: 100, value: 55, interval: [50, 60] };
    expect(() => documentOf([percent])).toThrow(/"worst case" of p is 55/);
  });
});
