//! The bytes that terms begin with.

pub(super) const VERSION: u8 = 0x83;

pub(super) const RECORD: u8 = 0x43;
pub(super) const NEW_FLOAT: u8 = 0x46;
pub(super) const BIT_BINARY: u8 = 0x4D;
pub(super) const ATOM_CACHE_REF: u8 = 0x52;
pub(super) const NEW_PID: u8 = 0x58;
pub(super) const NEW_PORT: u8 = 0x59;
pub(super) const NEWER_REFERENCE: u8 = 0x5A;
pub(super) const SMALL_INTEGER: u8 = 0x61;
pub(super) const INTEGER: u8 = 0x62;
pub(super) const FLOAT: u8 = 0x63;
pub(super) const ATOM: u8 = 0x64;
pub(super) const REFERENCE: u8 = 0x65;
pub(super) const PORT: u8 = 0x66;
pub(super) const PID: u8 = 0x67;
pub(super) const SMALL_TUPLE: u8 = 0x68;
pub(super) const LARGE_TUPLE: u8 = 0x69;
pub(super) const NIL: u8 = 0x6A;
pub(super) const STRING: u8 = 0x6B;
pub(super) const LIST: u8 = 0x6C;
pub(super) const BINARY: u8 = 0x6D;
pub(super) const SMALL_BIG: u8 = 0x6E;
pub(super) const LARGE_BIG: u8 = 0x6F;
pub(super) const NEW_FUN: u8 = 0x70;
pub(super) const EXPORT: u8 = 0x71;
pub(super) const NEW_REFERENCE: u8 = 0x72;
pub(super) const SMALL_ATOM: u8 = 0x73;
pub(super) const MAP: u8 = 0x74;
pub(super) const ATOM_UTF8: u8 = 0x76;
pub(super) const SMALL_ATOM_UTF8: u8 = 0x77;
pub(super) const V4_PORT: u8 = 0x78;
