import { brand } from './brand.ts';

/** Where the administrator leads people: imprint, privacy, help. In a tab of their own: one may be on the way into a meeting. */
export function BrandLinks() {
  const { links } = brand.value;
  if (links.length === 0) return null;
  return (
    <ul class="brand-links">
      {links.map((link) => (
        <li key={link.url}>
          <a href={link.url} target="_blank" rel="noopener noreferrer">
            {link.text}
          </a>
        </li>
      ))}
    </ul>
  );
}
