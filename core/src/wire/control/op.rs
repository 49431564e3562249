//! The numbers of the operations (`dist.h`, `enum dop`).
//!
//! Those that end in `_TT` are the traced forms, those that begin with `PAYLOAD_` have the reason behind the control message.

pub(super) const LINK: u8 = 1;
pub(super) const SEND: u8 = 2;
pub(super) const EXIT: u8 = 3;
pub(super) const REG_SEND: u8 = 6;
pub(super) const GROUP_LEADER: u8 = 7;
pub(super) const EXIT2: u8 = 8;
pub(super) const SEND_TT: u8 = 12;
pub(super) const EXIT_TT: u8 = 13;
pub(super) const REG_SEND_TT: u8 = 16;
pub(super) const EXIT2_TT: u8 = 18;
pub(super) const MONITOR_P: u8 = 19;
pub(super) const DEMONITOR_P: u8 = 20;
pub(super) const MONITOR_P_EXIT: u8 = 21;
pub(super) const SEND_SENDER: u8 = 22;
pub(super) const SEND_SENDER_TT: u8 = 23;
pub(super) const PAYLOAD_EXIT: u8 = 24;
pub(super) const PAYLOAD_EXIT_TT: u8 = 25;
pub(super) const PAYLOAD_EXIT2: u8 = 26;
pub(super) const PAYLOAD_EXIT2_TT: u8 = 27;
pub(super) const PAYLOAD_MONITOR_P_EXIT: u8 = 28;
pub(super) const SPAWN_REQUEST: u8 = 29;
pub(super) const SPAWN_REQUEST_TT: u8 = 30;
pub(super) const SPAWN_REPLY: u8 = 31;
pub(super) const SPAWN_REPLY_TT: u8 = 32;
pub(super) const ALIAS_SEND: u8 = 33;
pub(super) const ALIAS_SEND_TT: u8 = 34;
pub(super) const UNLINK_ID: u8 = 35;
pub(super) const UNLINK_ID_ACK: u8 = 36;
pub(super) const ALTACT_SIG_SEND: u8 = 37;

/// The operation of which this is the traced form, and whether it is one.
pub(super) const fn untraced(op: u8) -> (u8, bool) {
    match op {
        SEND_TT => (SEND, true),
        EXIT_TT => (EXIT, true),
        REG_SEND_TT => (REG_SEND, true),
        EXIT2_TT => (EXIT2, true),
        SEND_SENDER_TT => (SEND_SENDER, true),
        PAYLOAD_EXIT_TT => (PAYLOAD_EXIT, true),
        PAYLOAD_EXIT2_TT => (PAYLOAD_EXIT2, true),
        SPAWN_REQUEST_TT => (SPAWN_REQUEST, true),
        SPAWN_REPLY_TT => (SPAWN_REPLY, true),
        ALIAS_SEND_TT => (ALIAS_SEND, true),
        other => (other, false),
    }
}

/// The operation in its traced form if there is a token.
pub(super) const fn traced(op: u8, traced: bool) -> u8 {
    match op {
        op if !traced => op,
        SEND => SEND_TT,
        EXIT => EXIT_TT,
        REG_SEND => REG_SEND_TT,
        EXIT2 => EXIT2_TT,
        SEND_SENDER => SEND_SENDER_TT,
        PAYLOAD_EXIT => PAYLOAD_EXIT_TT,
        PAYLOAD_EXIT2 => PAYLOAD_EXIT2_TT,
        SPAWN_REQUEST => SPAWN_REQUEST_TT,
        SPAWN_REPLY => SPAWN_REPLY_TT,
        ALIAS_SEND => ALIAS_SEND_TT,
        op => op,
    }
}

/// The bits of the flags of [`ALTACT_SIG_SEND`].
pub(super) mod altact {
    pub(in super::super) const PRIORITY: u8 = 1;
    pub(in super::super) const TOKEN: u8 = 2;
    pub(in super::super) const ALIAS: u8 = 4;
    pub(in super::super) const NAME: u8 = 8;
    pub(in super::super) const EXIT: u8 = 16;
}
