import { brand, product } from './brand.ts';
import './logo.css';

/** Two people in a box, and the product's name; or what the administrator has put there. */
export function Logo() {
  const { name, logo } = brand.value;
  if (logo !== '') {
    return (
      <span class="logo">
        <img class="brand-picture" src={logo} alt={name === '' ? product : ''} />
        {name === '' ? null : <span>{name}</span>}
      </span>
    );
  }
  return (
    <span class="logo">
      <svg width="28" height="28" viewBox="0 0 28 28" aria-hidden="true" focusable="false">
        <rect x="1" y="1" width="26" height="26" rx="8.5" fill="var(--accent)" />
        <circle cx="10.25" cy="12.25" r="3.25" fill="var(--on-accent)" />
        <circle cx="18.25" cy="12.25" r="3.25" fill="none" stroke="var(--on-accent)" stroke-width="1.75" />
        <path d="M7 19.25c2.1 1.9 4.4 2.75 7 2.75s4.9-.85 7-2.75" fill="none" stroke="var(--on-accent)" stroke-width="1.75" stroke-linecap="round" />
      </svg>
      <span>{name || product}</span>
    </span>
  );
}
