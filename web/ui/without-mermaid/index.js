// In place of @excalidraw/mermaid-to-excalidraw, which brings Mermaid along: three megabytes for
// diagrams that the whiteboard does not offer. A pasted text that looks like one stays a text.
export async function parseMermaidToExcalidraw() {
  throw new Error('the whiteboard makes no diagrams of text');
}
