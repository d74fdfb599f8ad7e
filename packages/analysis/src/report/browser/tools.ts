/** A button: what stands on it, what it is called, what it does. */
export type Tool = readonly [sign: string, name: string, action: () => void];

/** A row of buttons. */
export function tools(label: string, all: readonly Tool[]): HTMLElement {
  const group = document.createElement('div');
  group.className = 'tools';
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', label);
  for (const [sign, name, action] of all) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = sign;
    button.setAttribute('aria-label', name);
    button.title = name;
    button.addEventListener('click', action);
    group.append(button);
  }
  return group;
}

/** A paragraph on how to use what is below. */
export function hint(text: string): HTMLElement {
  const paragraph = document.createElement('p');
  paragraph.className = 'hint';
  paragraph.textContent = text;
  return paragraph;
}
