//! One refresh of an account: requests the list, then the details of each platform in it, and builds a snapshot.

mod clock_difference;
pub mod details;
mod details_calls;
mod join;
mod limiter;
mod limits;
pub mod list;
mod reapply;
mod refresher;
mod rules;
mod shares;

pub use clock_difference::ClockDifference;
pub use details::{Draft, LastGood};
pub use limiter::{Priority, RefreshLimiter};
pub use limits::drop_excess_profiles;
pub use refresher::{RefreshErrors, RefreshOutcome, Refresher};
pub use rules::{PhoneNumber, Rules, TokensWithoutExpiry};
pub use shares::{Claim, Share, Shares};
