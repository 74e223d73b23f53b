//! Two agents of one name: the second says so and ends, whichever machine it is on.

use e2e::{World, flows};

crate::trials![a_second_agent_of_a_name_on_this_machine_ends, a_second_agent_of_a_name_elsewhere_ends];

fn a_second_agent_of_a_name_on_this_machine_ends() {
    let world = World::new();
    let _engine = world.engine();
    let mut first = world.agent("n1", 1, &[]);
    world.nodes_ready(1);
    world.run(&["agent", "--name", "n1"]).ended(7).says(&["`n1` runs on this machine already"]);
    assert!(first.ended().is_none(), "{}", first.said());
}

fn a_second_agent_of_a_name_elsewhere_ends() {
    let world = World::new();
    let _engine = world.engine();
    let mut first = world.agent("n1", 1, &[]);
    world.nodes_ready(1);
    let token = world.state().join(format!("{}.token", world.port));
    let mut second = world.command(&["agent", "--name", "n1"]);
    second.env("XDG_STATE_HOME", world.path("elsewhere")).env("REPRISE_TOKEN_FILE", token);
    world.finish(&mut second).ended(5).says(&["does not take this node in", "--name"]);
    assert!(first.ended().is_none(), "{}", first.said());
    let execution = world.submit(&flows::many(&world, "on", 2));
    assert_eq!(world.ended(&execution)["state"], "completed", "the first one is not disturbed");
}
