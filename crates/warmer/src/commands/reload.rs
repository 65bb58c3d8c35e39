//! `warmer reload --all`: has every running instance read its own configuration again. Nothing of a configuration goes
//! by way of the database: a number is raised there.

use warmer_store::Role;

use crate::context::Context;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, counted};

/// Runs the command.
pub(crate) async fn run(context: &Context) -> anyhow::Result<Exit> {
    let store = database::open_existing(context, Role::Writer).await?;
    store.ask_reload().await?;
    let daemons = store.status().await?.daemons;
    store.close_at_exit().await;
    if daemons > 0 {
        output::print(&asked(daemons))?;
    } else {
        output::note("no instance is running: the next `warmer run` reads its configuration anyway");
    }
    Ok(Exit::Done)
}

/// Who was asked, and where it is told what came of it.
fn asked(daemons: u64) -> String {
    let instances = counted(daemons, "instance");
    let (read, tell) = match daemons {
        1 => ("reads its own", "tells in its log"),
        _ => ("read their own", "tell in their logs"),
    };
    format!("{instances} {read} configuration again within seconds, and {tell} what has changed\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instance_reads_and_several_read() {
        let one =
            "1 instance reads its own configuration again within seconds, and tells in its log what has changed\n";
        assert_eq!(asked(1), one);
        let two =
            "2 instances read their own configuration again within seconds, and tell in their logs what has changed\n";
        assert_eq!(asked(2), two);
    }
}
