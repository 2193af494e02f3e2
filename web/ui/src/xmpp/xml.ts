// XML as plain data: what the vocabulary files read and write. Nothing here needs a browser, so all
// of it is tested in Node. Namespaces are resolved: `ns` is the element's own, inherited or not.

export interface Xml {
  readonly name: string;
  readonly ns: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (Xml | string)[];
}

export type Attrs = Readonly<Record<string, string | number | undefined>>;

/** An element in namespace ns; '' stands for the stanza's own (jabber:client). Undefined attributes are left out. */
export function el(name: string, ns: string, attrs: Attrs = {}, ...children: readonly (Xml | string | null)[]): Xml {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(attrs)) {
    if (value !== undefined) kept[key] = String(value);
  }
  return { name, ns, attrs: kept, children: children.filter((c) => c !== null && c !== '') as (Xml | string)[] };
}

export function elements(x: Xml): Xml[] {
  return x.children.filter((c): c is Xml => typeof c !== 'string');
}

/** The first child of that name; without ns in any namespace. */
export function child(x: Xml | undefined, name: string, ns?: string): Xml | undefined {
  return x && elements(x).find((c) => c.name === name && (ns === undefined || c.ns === ns));
}

export function childrenOf(x: Xml | undefined, name: string, ns?: string): Xml[] {
  return x ? elements(x).filter((c) => c.name === name && (ns === undefined || c.ns === ns)) : [];
}

/** The first descendant of that name, depth first, x itself excluded. */
export function find(x: Xml, name: string, ns?: string): Xml | undefined {
  for (const c of elements(x)) {
    if (c.name === name && (ns === undefined || c.ns === ns)) return c;
    const deeper = find(c, name, ns);
    if (deeper) return deeper;
  }
  return undefined;
}

export function textOf(x: Xml | undefined): string {
  return x ? x.children.map((c) => (typeof c === 'string' ? c : '')).join('') : '';
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

// What XML 1.0 does not allow at all, not even escaped: a person can paste it into the chat, and the
// server would have to end the stream for it.
// oxlint-disable-next-line no-control-regex -- control characters are the point
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escape(text: string): string {
  return text.replace(forbidden, '\ufffd').replace(/[&<>"']/g, (c) => escapes[c] ?? c);
}

// A parser turns these into blanks inside attributes unless they are written as references.
function escapeAttribute(text: string): string {
  return escape(text).replace(/[\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** The text of x. Each element whose namespace differs from its parent's says so itself. */
export function print(x: Xml, parentNs = ''): string {
  let out = `<${x.name}`;
  const ns = x.ns === '' ? parentNs : x.ns;
  if (ns !== parentNs) out += ` xmlns="${escapeAttribute(ns)}"`;
  for (const [key, value] of Object.entries(x.attrs)) out += ` ${key}="${escapeAttribute(value)}"`;
  const body = x.children.map((c) => (typeof c === 'string' ? escape(c).replace(/\r/g, '&#13;') : print(c, ns))).join('');
  return body === '' ? `${out}/>` : `${out}>${body}</${x.name}>`;
}

/** The part of the DOM that fromDom reads; both browsers and the tests' parser have it. */
export interface DomNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly nodeValue: string | null;
  readonly childNodes: ArrayLike<DomNode>;
}

interface DomElement extends DomNode {
  readonly localName: string | null;
  readonly namespaceURI: string | null;
  readonly attributes: ArrayLike<{ readonly name: string; readonly value: string }>;
}

const element = 1;
const text = 3;
const cdata = 4;

/** Copies a DOM element. Comments and processing instructions are dropped. */
export function fromDom(node: DomNode): Xml {
  const e = node as DomElement;
  const attrs: Record<string, string> = {};
  for (const attr of Array.from(e.attributes)) {
    if (attr.name !== 'xmlns' && !attr.name.startsWith('xmlns:')) attrs[attr.name] = attr.value;
  }
  const children: (Xml | string)[] = [];
  for (const c of Array.from(e.childNodes)) {
    if (c.nodeType === element) children.push(fromDom(c));
    else if (c.nodeType === text || c.nodeType === cdata) children.push(c.nodeValue ?? '');
  }
  return { name: e.localName ?? e.nodeName, ns: e.namespaceURI ?? '', attrs, children };
}
