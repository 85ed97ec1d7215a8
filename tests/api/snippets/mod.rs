//! Small programs in the forms that published code uses.

mod capture;
mod doubles;
mod extend;
mod hub;
mod init;
mod scope;
mod test_kit;
mod trace;
mod transport;
