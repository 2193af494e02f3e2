// Made by scripts/tsgen from the appliance's Go types; its own comment says how.

export interface ACME {
  directory: string;
  email?: string;
  names: string[];
  root?: string;
}

export interface Account {
  created: string;
  name: string;
  one_time: boolean;
  recovery: number;
  revision: number;
  role: Role;
  source?: string;
}

export interface AccountChange {
  password?: string;
  role?: Role;
}

export interface Accounts {
  accounts: Account[];
}

export type AddressMode = 'dhcp' | 'slaac' | 'static' | 'off';

export interface Appointment {
  from: string;
  room: string;
  until: string;
}

export interface Attention {
  code: string;
  page: string;
  text: string;
}

export interface Audit {
  broken?: number;
  intact: boolean;
  more: boolean;
  rows: AuditRow[];
}

export interface AuditRow {
  action: string;
  at: string;
  detail?: string;
  from?: string;
  hash: string;
  number: number;
  object?: string;
  previous: string;
  revision?: number;
  who: string;
}

export interface Boots {
  count: number;
  cuts: number;
  trimmed?: string;
}

export interface BrandLink {
  text: string;
  url: string;
}

export interface Branding {
  accent?: string;
  links?: BrandLink[];
  logo?: string;
  name?: string;
  welcome?: string;
}

export interface CardHealth {
  dropped: number;
  errors: number;
  name: string;
}

export interface Certificate {
  addresses?: string[];
  names?: string[];
  not_after: string;
  not_before: string;
  renew_at?: string;
  sha256: string;
  subject: string;
}

export interface CertificateRequest {
  made: string;
  names: string[];
  pem: string;
}

export interface CertificateSettings {
  acme?: ACME;
  source?: CertificateSource;
}

export type CertificateSource = 'own' | 'uploaded' | 'acme';

export interface CertificateState {
  authority: Certificate;
  own: Certificate;
  problem?: string;
  request?: CertificateRequest;
  site?: SiteCertificate;
  source: CertificateSource;
  trust_url: string;
  xmpp: Certificate;
}

export interface CertificateUpload {
  certificates?: string;
  key?: string;
  password?: string;
  pfx?: string;
}

export interface Check {
  advice?: string;
  name: string;
  state: CheckState;
  text: string;
  took_ms: number;
}

export interface CheckProbe {
  code: string;
  detail?: string;
  name: string;
  state: string;
}

export interface CheckReport {
  address?: string;
  browser?: string;
  code: string;
  name?: string;
  note?: string;
  probes: CheckProbe[];
}

export type CheckState = 'ok' | 'broken' | 'unclear' | 'skipped';

export interface Claim {
  code: string;
  name: string;
  password: string;
}

export interface Claimed {
  recovery: string[];
  session: Session;
}

export interface Clock {
  ntp?: string[];
  off?: boolean;
}

export interface ClockServer {
  delay: number;
  heard?: string;
  name: string;
  offset: number;
  problem?: string;
  stratum?: number;
}

export type ClockSource = 'build' | 'saved' | 'battery' | 'browser' | 'ntp';

export interface ClockStatus {
  now: string;
  offset: number;
  problem?: string;
  rtc: boolean;
  servers: ClockServer[];
  set?: string;
  source: ClockSource;
  trusted: boolean;
}

export interface Console {
  idle_minutes?: number;
}

export interface Diagnostics {
  broken: string;
  checks: Check[];
}

export interface Directory {
  ldap?: LDAP;
  oidc?: OIDC;
}

export interface DirectoryFound {
  broken: string;
  checks: Check[];
  groups: string[];
  host: boolean;
  person?: string;
  role: Role;
}

export interface DirectorySecrets {
  ldap_password?: string;
  oidc_secret?: string;
}

export interface DirectoryState {
  ldap_password: boolean;
  oidc_secret: boolean;
  redirects: string[];
}

export interface DirectoryTest {
  directory: Directory;
  name?: string;
  oidc?: boolean;
  password?: string;
  secrets?: DirectorySecrets;
}

export interface DiskHealth {
  boot: boolean;
  critical_state?: boolean;
  media_errors?: number;
  model: string;
  name: string;
  powered_hours?: number;
  size: number;
  unsafe_off?: number;
  wear?: number;
}

export interface Egress {
  hosts?: EgressHost[];
}

export interface EgressHost {
  host: string;
  port?: number;
  use: EgressUse;
}

export type EgressUse = 'ntp' | 'acme' | 'ldap' | 'oidc' | 'syslog' | 'smtp';

export interface GroupRole {
  group: string;
  role: Role;
}

export interface Hardware {
  boots: Boots;
  cards: CardHealth[];
  disks: DiskHealth[];
  memory: Memory;
  missing?: string[];
  problems?: string[];
  storage: Storage;
  temperatures: Temperature[];
  watchdog: boolean;
}

export interface Health {
  ok: boolean;
  services: Service[];
}

export interface History {
  points: HistoryPoint[];
  step: number;
}

export interface HistoryPoint {
  at: string;
  cpu: number;
  loss: number;
  meetings: number;
  memory: number;
  people: number;
  received: number;
  sent: number;
  temperature: number;
  worst_loss: number;
}

export interface Hosts {
  allowed?: boolean;
  groups?: string[];
}

export interface IPv4 {
  address?: string;
  gateway?: string;
  mode?: AddressMode;
}

export interface IPv6 {
  addresses?: string[];
  gateway?: string;
  mode?: AddressMode;
}

export interface Install {
  disk?: string;
  disks: InstallDisk[];
  done: number;
  error?: string;
  phase: InstallPhase;
  stick: boolean;
  total: number;
}

export interface InstallDisk {
  confirm?: string;
  model: string;
  name: string;
  refused?: string;
  size: number;
}

export type InstallPhase = 'idle' | 'writing' | 'done' | 'failed';

export interface InstallRequest {
  confirm: string;
  disk: string;
}

export interface Invitation {
  hours?: number;
  moderator?: boolean;
  name?: string;
  room: string;
}

export interface Invited {
  expires: string;
  path: string;
  token: string;
}

export interface Island {
  first?: string;
  last?: string;
  lease_minutes?: number;
  no_captive?: boolean;
  no_dhcp?: boolean;
}

export interface IslandLease {
  address: string;
  mac: string;
  name?: string;
  until: string;
}

export interface IslandPortStatus {
  address: string;
  dhcp: boolean;
  first?: string;
  last?: string;
  leases: IslandLease[];
  name: string;
  problems?: string[];
}

export interface IslandStatus {
  ports: IslandPortStatus[];
}

export interface Issuer {
  algorithm: string;
  audiences?: string[];
  id?: string;
  issuers?: string[];
  public: string;
}

export interface LDAP {
  base?: string;
  bind_dn?: string;
  filter?: string;
  group_base?: string;
  group_filter?: string;
  hosts?: Hosts;
  roles?: GroupRole[];
  root?: string;
  url?: string;
}

export interface Lease {
  address: string;
  begun: string;
  dns?: string[];
  domain?: string;
  gateway?: string;
  ntp?: string[];
  server: string;
  until: string;
}

export interface Log {
  lines: LogLine[];
  more: boolean;
}

export interface LogLine {
  at?: string;
  level: string;
  service: string;
  text: string;
}

export interface MadeToken {
  secret: string;
  token: Token;
}

export interface Meeting {
  breakout: boolean;
  bridge?: string;
  id: string;
  people: number;
  room: string;
  since: string;
}

export interface MeetingLine {
  actor?: string;
  at: string;
  endpoint?: string;
  event: string;
  medium?: string;
  name?: string;
  reason?: string;
}

export interface MeetingRecord {
  began: string;
  breakout?: boolean;
  cut?: boolean;
  ended?: string;
  events: MeetingLine[];
  id: string;
  most: number;
  people: MeetingSeat[];
  room: string;
}

export interface MeetingSeat {
  endpoint: string;
  joined: string;
  left?: string;
  moderator?: boolean;
  name?: string;
  now?: SeatQuality;
  quality: QualityPoint[];
  reason?: string;
}

export interface Meetings {
  meetings: Meeting[];
  people: number;
}

export interface Memory {
  available: number;
  size: number;
}

export interface MuteOrder {
  medium: string;
}

export interface Names {
  extra?: string[];
  host?: string;
  quiet?: boolean;
}

export interface NamesStatus {
  announce: boolean;
  conflict?: string;
  name: string;
  problems?: string[];
  records: string;
}

export interface Network {
  dns?: string[];
  ports?: Port[];
}

export interface NetworkStatus {
  dns: string[];
  pending?: PendingNetwork;
  ports: PortStatus[];
  problems?: string[];
}

export interface NewAccount {
  name: string;
  password: string;
  role: Role;
}

export interface NewBackup {
  passphrase: string;
}

export interface NewCertificateRequest {
  names: string[];
  organization?: string;
}

export interface NewToken {
  days?: number;
  name: string;
  role: Role;
  scopes: string[];
}

export interface NewUser {
  name: string;
  password: string;
}

export interface OIDC {
  client_id?: string;
  groups_claim?: string;
  issuer?: string;
  label?: string;
  name_claim?: string;
  roles?: GroupRole[];
  root?: string;
  scopes?: string[];
}

export interface OIDCAnswer {
  code?: string;
  error?: string;
  state: string;
}

export interface OIDCBegin {
  url: string;
}

export interface Occurrence {
  begin: string;
  end: string;
}

export interface OneTimeCode {
  code: string;
}

export interface OneTimeKey {
  key: string;
  url: string;
}

export interface Overview {
  attention: Attention[];
  cores: number;
  cpu: number;
  known: boolean;
  loss: number;
  meetings: Meetings;
  memory: number;
  services: Service[];
  temperature: number;
  traffic: Traffic;
  worst?: WorstLine;
}

export interface PasswordChange {
  new: string;
  old: string;
}

export interface PastMeeting {
  began: string;
  breakout?: boolean;
  dropped: number;
  ended?: string;
  id: string;
  most: number;
  room: string;
}

export interface PastMeetings {
  days: number;
  meetings: PastMeeting[];
}

export interface PendingID {
  id: string;
}

export interface PendingNetwork {
  from?: string;
  id: string;
  network: Network;
  seconds: number;
  until: string;
}

export interface Planned {
  changed_at: string;
  changed_by: string;
  id: string;
  meeting: PlannedMeeting;
  next?: Occurrence;
  path: string;
  revision: number;
}

export interface PlannedMeeting {
  begin?: string;
  hidden?: boolean;
  host?: string;
  last_day?: string;
  lobby?: boolean;
  max_participants?: number;
  minutes?: number;
  note?: string;
  password?: string;
  repeat?: string;
  room: string;
  title: string;
  zone?: string;
}

export interface PlannedMeetings {
  meetings: Planned[];
  zones: string[];
}

export interface Port {
  card: string;
  ipv4?: IPv4;
  ipv6?: IPv6;
  mtu?: number;
  role?: PortRole;
  vlan?: number;
}

export type PortRole = 'uplink' | 'island' | 'off';

export interface PortStatus {
  addresses: string[];
  cable: boolean;
  card: string;
  errors: number;
  gateways: string[];
  lease?: Lease;
  mbits?: number;
  mtu: number;
  name: string;
  named: boolean;
  problems?: string[];
  received: number;
  role: PortRole;
  sent: number;
  vlan?: number;
}

export interface Problem {
  code: string;
  conflict?: Revision;
  detail: string;
  fields?: Record<string, string>;
  status: number;
  title: string;
}

export interface QualityPoint {
  at: string;
  loss_in: number;
  loss_out: number;
  received: number;
  rtt: number;
  sent: number;
}

export interface ReceivedCheck {
  at: string;
  from: string;
  id: string;
  report: CheckReport;
}

export interface ReceivedChecks {
  reports: ReceivedCheck[];
}

export interface Recover {
  code: string;
  name: string;
  password: string;
}

export interface RecoveryCodes {
  codes: string[];
}

export interface Release {
  counter: number;
  version: string;
}

export interface Reset {
  depth: ResetDepth;
  keep_authority: boolean;
  name: string;
}

export type ResetDepth = 'settings' | 'everything';

export interface Restore {
  cards?: Record<string, string>;
  network: boolean;
  passphrase: string;
  try: boolean;
}

export interface RestoreCard {
  card: string;
  here: boolean;
}

export interface RestoreFile {
  expires: string;
  size: number;
}

export interface RestoreResult {
  accounts: string[];
  authority: string;
  cards: RestoreCard[];
  made: string;
  name: string;
  pending?: PendingNetwork;
  restored: boolean;
  same: boolean;
  sections: string[];
  users: number;
  version: string;
}

export interface Revision {
  at: string;
  from: string;
  number: number;
  reverts?: number;
  section: string;
  who: string;
}

export interface RevisionDetail {
  after: unknown;
  before: unknown;
  now: number;
  revision: Revision;
}

export interface Revisions {
  more: boolean;
  revisions: Revision[];
}

export type Role = 'nobody' | 'viewer' | 'auditor' | 'operator' | 'admin' | 'owner';

export interface RoomFiles {
  hours?: number;
  max_mb?: number;
  total_mb?: number;
}

export interface RoomMedia {
  audio_senders?: number;
  codecs?: string[];
  last_n?: number;
  start_audio_muted?: number;
  start_video_muted?: number;
  video_senders?: number;
}

export interface Rooms {
  archive?: boolean;
  clients?: boolean;
  create?: string;
  files?: RoomFiles;
  frames?: string[];
  hide_schedule?: boolean;
  history?: number;
  issuers?: Issuer[];
  listed?: string[];
  lobby?: boolean;
  loudest_voices?: number;
  max_participants?: number;
  media?: RoomMedia;
  persistent?: boolean;
  remember_days?: number;
  schedule?: Appointment[];
}

export interface SeatQuality {
  channel?: string;
  estimate?: number;
  limited?: boolean;
  line: QualityPoint;
  path?: string;
  video?: string;
}

export interface SelfCall {
  audio: number[];
  error: string;
  ok: boolean;
  steps: SelfCallStep[];
  video: number[];
}

export interface SelfCallStep {
  detail: string;
  ms: number;
  name: string;
  ok: boolean;
}

export interface Service {
  confined?: string;
  detail: string;
  name: string;
  ok: boolean;
  pid?: number;
  since?: string;
}

export interface Session {
  account: string;
  agent: string;
  created: string;
  current: boolean;
  expires: string;
  from: string;
  id: string;
  role: Role;
  seen: string;
}

export interface Sessions {
  sessions: Session[];
}

export interface SetClock {
  now: string;
}

export interface Settings {
  branding: Branding;
  certificates: CertificateSettings;
  clock: Clock;
  console: Console;
  directory: Directory;
  egress: Egress;
  island: Island;
  names: Names;
  network: Network;
  rooms: Rooms;
}

export interface SettingsState {
  revisions: Record<string, number>;
  settings: Settings;
}

export interface Setup {
  claimed: boolean;
  code: boolean;
  name: string;
  now: string;
  provider?: string;
  version: string;
}

export interface SharedFile {
  id: string;
  name: string;
  size: number;
  type?: string;
  until: string;
}

export interface SharedFiles {
  files: SharedFile[];
  quota: number;
  used: number;
}

export interface SignIn {
  name: string;
  one_time?: string;
  password: string;
}

export interface SiteCertificate {
  certificate: Certificate;
  chain: string[];
  issuer: string;
  missing: string[];
  warnings: string[];
}

export interface Status {
  addresses: string[];
  authority: string;
  console: string[];
  go: string;
  media: string[];
  media_port: number;
  names: string[];
  notes?: string[];
  scan: string;
  schema: number;
  started: string;
  urls: string[];
  version: string;
}

export interface Storage {
  errors?: number;
  free: number;
  read_only?: boolean;
  size: number;
}

export interface Support {
  files: SupportFile[];
}

export interface SupportFile {
  name: string;
  size: number;
  text: string;
}

export interface Temperature {
  celsius: number;
  limit?: number;
  name: string;
}

export interface Token {
  created: string;
  expires?: string;
  id: string;
  name: string;
  owner: string;
  role: Role;
  scopes: string[];
  seen?: string;
}

export interface Tokens {
  tokens: Token[];
}

export interface Traffic {
  received_bytes: number;
  received_packets: number;
  retransmitted: number;
  rtt: number;
  sent_bytes: number;
  sent_packets: number;
}

export interface Update {
  detail: string;
  done: number;
  floor: number;
  keys: string[];
  last?: UpdateResult;
  next?: Release;
  phase: UpdatePhase;
  running: Release;
  slot: string;
  total: number;
}

export type UpdatePhase = 'idle' | 'receiving' | 'writing' | 'restarting' | 'trial';

export interface UpdateResult {
  at: string;
  ok: boolean;
  reason: string;
  release: Release;
}

export interface User {
  created: string;
  name: string;
}

export interface UserPassword {
  password: string;
}

export interface Users {
  users: User[];
}

export interface WorstLine {
  endpoint: string;
  loss: number;
  meeting: string;
  name?: string;
  room: string;
  rtt: number;
}

/** What can be asked of the box: METHOD PATH, who may, what goes in and what comes back. */
export interface Routes {
  /** Who may sign in. */
  'GET /api/v1/accounts': { role: 'admin'; request: undefined; answer: Accounts };
  /** Makes an account. */
  'POST /api/v1/accounts': { role: 'owner'; request: NewAccount; answer: Account };
  /** Removes an account. */
  'DELETE /api/v1/accounts/{name}': { role: 'owner'; request: undefined; answer: undefined };
  /** Changes an account's role or password; If-Match has its revision, as in the list. */
  'PATCH /api/v1/accounts/{name}': { role: 'owner'; request: AccountChange; answer: Account };
  /** Takes an account's authenticator out of use. */
  'DELETE /api/v1/accounts/{name}/one-time': { role: 'owner'; request: undefined; answer: undefined };
  /** The audit log, the newest first (before=). */
  'GET /api/v1/audit': { role: 'auditor'; request: undefined; answer: Audit };
  /** The whole audit log, one line each, the oldest first. */
  'GET /api/v1/audit.jsonl': { role: 'auditor'; request: undefined; answer: Blob };
  /** An encrypted backup of settings, people and certificates. */
  'POST /api/v1/backup': { role: 'admin'; request: NewBackup; answer: Blob };
  /** Who vouches for the box, until when, and what is missing. */
  'GET /api/v1/certificates': { role: 'viewer'; request: undefined; answer: CertificateState };
  /** The certificate of the box's own authority, for devices to trust. */
  'GET /api/v1/certificates/ca.pem': { role: 'nobody'; request: undefined; answer: Blob };
  /** Says what is wrong with a certificate before it is used. */
  'POST /api/v1/certificates/check': { role: 'admin'; request: CertificateUpload; answer: SiteCertificate };
  /** Forgets the request and its key. */
  'DELETE /api/v1/certificates/request': { role: 'admin'; request: undefined; answer: undefined };
  /** Makes a key and a request for an authority to sign. */
  'POST /api/v1/certificates/request': { role: 'admin'; request: NewCertificateRequest; answer: CertificateRequest };
  /** The request, as a file. */
  'GET /api/v1/certificates/request.pem': { role: 'admin'; request: undefined; answer: Blob };
  /** Goes back to the box's own authority and forgets the certificate from outside. */
  'DELETE /api/v1/certificates/site': { role: 'admin'; request: undefined; answer: CertificateState };
  /** Uses a certificate from outside, with its key or as the answer to the box's request. */
  'PUT /api/v1/certificates/site': { role: 'admin'; request: CertificateUpload; answer: CertificateState };
  /** Removes all reports. */
  'DELETE /api/v1/checks': { role: 'operator'; request: undefined; answer: undefined };
  /** What people's /check found, the newest first. */
  'GET /api/v1/checks': { role: 'viewer'; request: undefined; answer: ReceivedChecks };
  /** Removes a report. */
  'DELETE /api/v1/checks/{id}': { role: 'operator'; request: undefined; answer: undefined };
  /** Makes an owner of whoever knows the setup code, and signs in. */
  'POST /api/v1/claim': { role: 'nobody'; request: Claim; answer: Claimed };
  /** What time the box thinks it is, and why. */
  'GET /api/v1/clock': { role: 'viewer'; request: undefined; answer: ClockStatus };
  /** Sets the clock from the browser's. */
  'POST /api/v1/clock/set': { role: 'admin'; request: SetClock; answer: ClockStatus };
  /** Tries every link from the cable to a call, and names the first broken one. With call=false without the call. */
  'POST /api/v1/diagnostics': { role: 'viewer'; request: undefined; answer: Diagnostics };
  /** Which secrets are kept for the directories, and the addresses to register at the provider. */
  'GET /api/v1/directory': { role: 'viewer'; request: undefined; answer: DirectoryState };
  /** Keeps the secrets with which the box asks the directories. */
  'PUT /api/v1/directory/secrets': { role: 'owner'; request: DirectorySecrets; answer: undefined };
  /** Tries settings of section directory, link by link, without keeping them. */
  'POST /api/v1/directory/test': { role: 'owner'; request: DirectoryTest; answer: DirectoryFound };
  /** Deletes all files that are shared in meetings. */
  'DELETE /api/v1/files': { role: 'operator'; request: undefined; answer: undefined };
  /** The files that are shared in meetings, the newest first. */
  'GET /api/v1/files': { role: 'viewer'; request: undefined; answer: SharedFiles };
  /** Deletes a file that is shared in a meeting. */
  'DELETE /api/v1/files/{id}': { role: 'operator'; request: undefined; answer: undefined };
  /** How the machine is: temperatures, disks, memory, network cards, and what its kernel cannot do. */
  'GET /api/v1/hardware': { role: 'viewer'; request: undefined; answer: Hardware };
  /** How every service is. */
  'GET /api/v1/health': { role: 'viewer'; request: undefined; answer: Health };
  /** How the box was in the last day, by minutes. */
  'GET /api/v1/history/day': { role: 'viewer'; request: undefined; answer: History };
  /** How the box was in the last thirty days, by quarters of an hour. */
  'GET /api/v1/history/month': { role: 'viewer'; request: undefined; answer: History };
  /** The machine's other disks, and how far an installation onto one of them is. */
  'GET /api/v1/install': { role: 'viewer'; request: undefined; answer: Install };
  /** Writes the system onto another disk of the machine, on which everything is lost; confirm is the text that the disk has in the list. */
  'POST /api/v1/install': { role: 'owner'; request: InstallRequest; answer: Install };
  /** Makes a token that opens a room, whoever may begin meetings. */
  'POST /api/v1/invitations': { role: 'operator'; request: Invitation; answer: Invited };
  /** The networks that the box itself serves, and who has an address there. */
  'GET /api/v1/island': { role: 'viewer'; request: undefined; answer: IslandStatus };
  /** What the services printed last (service=, level=, text=, since=, limit=). */
  'GET /api/v1/logs': { role: 'viewer'; request: undefined; answer: Log };
  /** The same, as a file. */
  'GET /api/v1/logs.txt': { role: 'viewer'; request: undefined; answer: Blob };
  /** The meetings that run, and how many people are in them. */
  'GET /api/v1/meetings': { role: 'viewer'; request: undefined; answer: Meetings };
  /** Forgets all meetings that are over. */
  'DELETE /api/v1/meetings/past': { role: 'admin'; request: undefined; answer: undefined };
  /** The meetings that are remembered, the newest first. */
  'GET /api/v1/meetings/past': { role: 'viewer'; request: undefined; answer: PastMeetings };
  /** A meeting: who is or was in it, how good the lines are, and what happened. */
  'GET /api/v1/meetings/{meeting}': { role: 'viewer'; request: undefined; answer: MeetingRecord };
  /** Ends a meeting for everybody in it. */
  'POST /api/v1/meetings/{meeting}/end': { role: 'operator'; request: undefined; answer: undefined };
  /** Mutes somebody, who may unmute. */
  'POST /api/v1/meetings/{meeting}/people/{endpoint}/mute': { role: 'operator'; request: MuteOrder; answer: undefined };
  /** Puts somebody out of a meeting, who may come back. */
  'POST /api/v1/meetings/{meeting}/people/{endpoint}/remove': { role: 'operator'; request: undefined; answer: undefined };
  /** The numbers of all services in Prometheus' text format, for a token with the scope metrics:read; also at /metrics. */
  'GET /api/v1/metrics': { role: 'viewer'; request: undefined; answer: Blob };
  /** What the box is called on the network, and the records for the site's own DNS server. */
  'GET /api/v1/names': { role: 'viewer'; request: undefined; answer: NamesStatus };
  /** What the network is like now, and the change that waits to be confirmed. */
  'GET /api/v1/network': { role: 'viewer'; request: undefined; answer: NetworkStatus };
  /** Keeps the change of the network. Ask this at the box's new address. */
  'POST /api/v1/network/confirm': { role: 'admin'; request: PendingID; answer: NetworkStatus };
  /** Changes the section network for 90 seconds, until it is confirmed; If-Match has the ETag of the section. */
  'POST /api/v1/network/propose': { role: 'admin'; request: Network; answer: PendingNetwork };
  /** Undoes the change of the network that waits. */
  'POST /api/v1/network/take-back': { role: 'admin'; request: PendingID; answer: NetworkStatus };
  /** How the box is now, and what needs attention. */
  'GET /api/v1/overview': { role: 'viewer'; request: undefined; answer: Overview };
  /** Makes the box forget its settings, or everything. */
  'POST /api/v1/reset': { role: 'owner'; request: Reset; answer: undefined };
  /** Takes a backup; nothing changes before it is opened with PUT. */
  'POST /api/v1/restore': { role: 'owner'; request: Blob; answer: RestoreFile };
  /** Opens the backup: looks into it (try), or makes the box what it says. */
  'PUT /api/v1/restore': { role: 'owner'; request: Restore; answer: RestoreResult };
  /** Changes of the settings, the newest first (section=, before=). */
  'GET /api/v1/revisions': { role: 'viewer'; request: undefined; answer: Revisions };
  /** One change, with the section before and after it; the ETag is that of the section as it is now. */
  'GET /api/v1/revisions/{number}': { role: 'viewer'; request: undefined; answer: RevisionDetail };
  /** Makes the section what it was before that change; If-Match has the ETag of the change or of the section. */
  'POST /api/v1/revisions/{number}/revert': { role: 'admin'; request: undefined; answer: Revision };
  /** The meetings that are planned, the next one first. */
  'GET /api/v1/schedule': { role: 'viewer'; request: undefined; answer: PlannedMeetings };
  /** Plans a meeting. */
  'POST /api/v1/schedule': { role: 'operator'; request: PlannedMeeting; answer: Planned };
  /** Removes a planned meeting; who is in its room stays there. If-Match has its ETag. */
  'DELETE /api/v1/schedule/{id}': { role: 'operator'; request: undefined; answer: undefined };
  /** One planned meeting, with its revision as ETag. */
  'GET /api/v1/schedule/{id}': { role: 'viewer'; request: undefined; answer: Planned };
  /** Changes a planned meeting; If-Match has the ETag of what was changed. */
  'PUT /api/v1/schedule/{id}': { role: 'operator'; request: PlannedMeeting; answer: Planned };
  /** A planned meeting for calendars, with its password. */
  'GET /api/v1/schedule/{id}/meeting.ics': { role: 'operator'; request: undefined; answer: Blob };
  /** Has the box call itself, through all services, and says what works. */
  'POST /api/v1/selfcall': { role: 'operator'; request: undefined; answer: SelfCall };
  /** Signs out. */
  'DELETE /api/v1/session': { role: 'viewer'; request: undefined; answer: undefined };
  /** Who is signed in here. */
  'GET /api/v1/session': { role: 'viewer'; request: undefined; answer: Session };
  /** Signs in. */
  'POST /api/v1/session': { role: 'nobody'; request: SignIn; answer: Session };
  /** Signs in with what the provider of OpenID Connect gave. */
  'POST /api/v1/session/oidc': { role: 'nobody'; request: OIDCAnswer; answer: Session };
  /** Where to sign in with OpenID Connect. */
  'POST /api/v1/session/oidc/begin': { role: 'nobody'; request: undefined; answer: OIDCBegin };
  /** Takes your authenticator out of use. */
  'DELETE /api/v1/session/one-time': { role: 'viewer'; request: undefined; answer: undefined };
  /** Makes a key for your authenticator. */
  'POST /api/v1/session/one-time': { role: 'viewer'; request: undefined; answer: OneTimeKey };
  /** Puts your authenticator into use. */
  'PUT /api/v1/session/one-time': { role: 'viewer'; request: OneTimeCode; answer: undefined };
  /** Changes your own password and ends your other sessions. */
  'PUT /api/v1/session/password': { role: 'viewer'; request: PasswordChange; answer: undefined };
  /** Sets a new password with a recovery code, and signs in. */
  'POST /api/v1/session/recover': { role: 'nobody'; request: Recover; answer: Session };
  /** Replaces your recovery codes. */
  'POST /api/v1/session/recovery': { role: 'viewer'; request: undefined; answer: RecoveryCodes };
  /** Where you are signed in; an owner sees everybody. */
  'GET /api/v1/sessions': { role: 'viewer'; request: undefined; answer: Sessions };
  /** Ends a session. */
  'DELETE /api/v1/sessions/{id}': { role: 'viewer'; request: undefined; answer: undefined };
  /** All settings, with the revision of each section. */
  'GET /api/v1/settings': { role: 'viewer'; request: undefined; answer: SettingsState };
  /** The section branding, with its revision as ETag. */
  'GET /api/v1/settings/branding': { role: 'viewer'; request: undefined; answer: Branding };
  /** Changes the section branding; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/branding': { role: 'admin'; request: Branding; answer: Branding };
  /** The section certificates, with its revision as ETag. */
  'GET /api/v1/settings/certificates': { role: 'viewer'; request: undefined; answer: CertificateSettings };
  /** Changes the section certificates; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/certificates': { role: 'admin'; request: CertificateSettings; answer: CertificateSettings };
  /** The section clock, with its revision as ETag. */
  'GET /api/v1/settings/clock': { role: 'viewer'; request: undefined; answer: Clock };
  /** Changes the section clock; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/clock': { role: 'admin'; request: Clock; answer: Clock };
  /** The section console, with its revision as ETag. */
  'GET /api/v1/settings/console': { role: 'viewer'; request: undefined; answer: Console };
  /** Changes the section console; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/console': { role: 'admin'; request: Console; answer: Console };
  /** The section directory, with its revision as ETag. */
  'GET /api/v1/settings/directory': { role: 'viewer'; request: undefined; answer: Directory };
  /** Changes the section directory; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/directory': { role: 'owner'; request: Directory; answer: Directory };
  /** The section egress, with its revision as ETag. */
  'GET /api/v1/settings/egress': { role: 'viewer'; request: undefined; answer: Egress };
  /** Changes the section egress; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/egress': { role: 'admin'; request: Egress; answer: Egress };
  /** The section island, with its revision as ETag. */
  'GET /api/v1/settings/island': { role: 'viewer'; request: undefined; answer: Island };
  /** Changes the section island; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/island': { role: 'admin'; request: Island; answer: Island };
  /** The section names, with its revision as ETag. */
  'GET /api/v1/settings/names': { role: 'viewer'; request: undefined; answer: Names };
  /** Changes the section names; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/names': { role: 'admin'; request: Names; answer: Names };
  /** The section network, with its revision as ETag. */
  'GET /api/v1/settings/network': { role: 'viewer'; request: undefined; answer: Network };
  /** The section rooms, with its revision as ETag. */
  'GET /api/v1/settings/rooms': { role: 'viewer'; request: undefined; answer: Rooms };
  /** Changes the section rooms; If-Match has the ETag of what was changed. */
  'PUT /api/v1/settings/rooms': { role: 'admin'; request: Rooms; answer: Rooms };
  /** Whether the box has an owner yet. */
  'GET /api/v1/setup': { role: 'nobody'; request: undefined; answer: Setup };
  /** Names, addresses and versions of the box. */
  'GET /api/v1/status': { role: 'viewer'; request: undefined; answer: Status };
  /** What a bundle for somebody who helps would have in it. */
  'GET /api/v1/support': { role: 'admin'; request: undefined; answer: Support };
  /** The bundle (without=NAME,NAME leaves files out). */
  'GET /api/v1/support.zip': { role: 'admin'; request: undefined; answer: Blob };
  /** Your tokens; an owner sees everybody's. */
  'GET /api/v1/tokens': { role: 'operator'; request: undefined; answer: Tokens };
  /** Makes a token for a program. */
  'POST /api/v1/tokens': { role: 'operator'; request: NewToken; answer: MadeToken };
  /** Takes a token back. */
  'DELETE /api/v1/tokens/{id}': { role: 'operator'; request: undefined; answer: undefined };
  /** The running version, and what becomes of a new one. */
  'GET /api/v1/update': { role: 'viewer'; request: undefined; answer: Update };
  /** Takes an update file. It is answered once the file is verified; then the box installs it and restarts. With force=true it does not mind people in meetings. */
  'POST /api/v1/update': { role: 'admin'; request: Blob; answer: Update };
  /** Who has an account for meetings and messages. */
  'GET /api/v1/users': { role: 'viewer'; request: undefined; answer: Users };
  /** Makes a user. */
  'POST /api/v1/users': { role: 'admin'; request: NewUser; answer: User };
  /** Removes a user; whoever is logged in with it is logged out. */
  'DELETE /api/v1/users/{name}': { role: 'admin'; request: undefined; answer: undefined };
  /** Gives a user a new password. */
  'PUT /api/v1/users/{name}/password': { role: 'admin'; request: UserPassword; answer: undefined };
}
