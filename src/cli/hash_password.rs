//! The flags of `hash-password`.

use clap::Args;

use exporter_toolkit::hash_password::USUAL_COSTS;
use exporter_toolkit::hash_password::{Options, UserName};

const EXAMPLES: &str = "\
Examples:
  qlara-exporter hash-password              Ask for the password twice
  qlara-exporter hash-password --user NAME  A line for basic_auth_users";

/// Flags of `hash-password`.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = "From a pipe, the command reads one line without its line end. The password is never an argument, because other users of the machine can see arguments."
)]
pub struct HashPasswordArgs {
    /// Print a line for basic_auth_users, with this user name before the hash; without it only the hash is
    /// printed
    #[arg(long, value_name = "NAME")]
    user: Option<UserName>,
    /// Use this bcrypt cost, from 4 to 14; each step doubles the time of a check, and a check with a
    /// higher cost would take more than a second
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
