// Debian's Firefox as it is, steered by WebDriver BiDi.

import { firefox, type Browser } from 'playwright-core';
import { watched } from './network.ts';

export async function launchFirefox(): Promise<Browser> {
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: process.env['MEETBOX_FIREFOX'] ?? '/usr/bin/firefox-esr',
    firefoxUserPrefs: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.autoplay.default': 0,
      // Several people live in one browser; only one of their tabs can be in front.
      'dom.min_background_timeout_value': 4,
      'dom.timeout.enable_budget_timer_throttling': false,
      'media.suspend-background-video.enabled': false,
      // It asks for nothing by itself: no codec, no list, no portal.
      'media.gmp-manager.updateEnabled': false,
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
    },
  });
  forgive(browser);
  return watched(browser);
}

interface Session {
  send(method: string, params: unknown): Promise<unknown>;
}

/**
 * COMPAT(firefox-esr 153): playwright-core sets the emulated media features of every page, by a
 * command that this Firefox does not have yet. Nothing here depends on it.
 */
function forgive(browser: Browser): void {
  const inside = browser as unknown as { _connection: { toImpl(of: unknown): { _browserSession: Session } } };
  const sessions = Object.getPrototypeOf(inside._connection.toImpl(browser)._browserSession) as Session;
  const { send } = sessions;
  sessions.send = async function (this: Session, method, params) {
    if (method === 'emulation.setMediaFeaturesOverride') return {};
    return await send.call(this, method, params);
  };
}
