import path from 'node:path';

interface Module {
  readonly importedIds: readonly string[];
  readonly dynamicallyImportedIds: readonly string[];
}

interface Graph {
  getModuleInfo(id: string): Module | null;
}

/** The HTML files, by the pages' names. */
type Pages = Readonly<Record<string, string>>;

/**
 * Sorts modules into files by which pages need them at once, so that what a page begins with comes in
 * few. Left alone, everything that some part of a page asks for later as well is a file of its own;
 * that remains so for what another page asks for later: it must not get the beginning of this one.
 */
export function byPages(pages: Pages): (id: string, graph: Graph) => string | null {
  let names: ReadonlyMap<string, string> | undefined;
  return (id, graph) => (names ??= namesOf(pages, graph)).get(id) ?? null;
}

function namesOf(pages: Pages, graph: Graph): ReadonlyMap<string, string> {
  const ever = whose(pages, graph, (m) => [...m.importedIds, ...m.dynamicallyImportedIds]);
  const atOnce = whose(pages, graph, (m) => m.importedIds);
  return new Map([...atOnce].filter(([id, who]) => ever.get(id) === who));
}

/** The pages that lead to a module, by its id. */
function whose(pages: Pages, graph: Graph, next: (m: Module) => readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [page, file] of Object.entries(pages)) {
    const seen = new Set([path.resolve(import.meta.dirname, file)]);
    for (const id of seen) {
      const module = graph.getModuleInfo(id);
      if (module) for (const other of next(module)) seen.add(other);
    }
    for (const id of seen) found.set(id, found.has(id) ? `${found.get(id)}-${page}` : page);
  }
  return found;
}
