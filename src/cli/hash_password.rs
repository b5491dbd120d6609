//! The flags of `hash-password`.

use clap::Args;

use crate::hash_password::{Options, UserName};
use crate::web_config::USUAL_COSTS;

/// Flags of `hash-password`.
#[derive(Debug, Args)]
#[command(
    after_help = "From a pipe it reads one line, without its line end. The password is never an argument, where other users of the machine would see it."
)]
pub struct HashPasswordArgs {
    /// Print a line for basic_auth_users, with this user name before the hash. Without it the hash is
    /// printed alone
    #[arg(long, value_name = "NAME")]
    user: Option<UserName>,
    /// Bcrypt cost, from 4 to 14; each step doubles the time of a check. Higher costs are refused: a
    /// check would take more than a second
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parse_cost)]
    cost: u32,
}

impl From<HashPasswordArgs> for Options {
    fn from(args: HashPasswordArgs) -> Options {
        Options {
            user: args.user,
            cost: args.cost,
        }
    }
}

fn parse_cost(text: &str) -> Result<u32, String> {
    let cost = text.parse().ok().filter(|cost| USUAL_COSTS.contains(cost));
    cost.ok_or_else(|| {
        let (lowest, highest) = (USUAL_COSTS.start(), USUAL_COSTS.end());
        format!("expected a whole number from {lowest} to {highest}")
    })
}
