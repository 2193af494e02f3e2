// The backgrounds there are, for views.

export { drawn, keepPicture, ownPicture, paint, type Drawn } from '../../rtc/effects/pictures.ts';
