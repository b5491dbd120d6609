//! What `/metrics` would show of the accounts, for a textfile collector.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;

use super::{Audit, Read};
use crate::exposition::{AccountView, Encoding, Page, SnapshotText};

pub(super) fn write(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let views: Vec<AccountView> = audit.accounts.iter().map(view).collect();
    let views: Vec<&AccountView> = views.iter().collect();
    let own = || Ok::<_, Infallible>(Bytes::new());
    let Ok(body) = Page::default().expose(&views, audit.checked_at, own, Encoding::Plain);
    let mut pieces = body.pieces().iter();
    pieces.try_for_each(|piece| out.write_all(piece))
}

fn view(read: &Read) -> AccountView {
    let account = read.name.as_deref();
    let snapshot = read.snapshot.as_ref();
    AccountView {
        account: read.name.clone(),
        revision: 1,
        up: Some(snapshot.is_some()),
        read_at: snapshot.map(|snapshot| snapshot.read_at),
        refresh_took: Some(read.took),
        snapshot: snapshot.map(|snapshot| Arc::new(SnapshotText::render(snapshot, account))),
    }
}
