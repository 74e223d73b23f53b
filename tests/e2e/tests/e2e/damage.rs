//! Ports that are taken, folders in use, files that are not what was written: each is said with what to do, as exit
//! code 7, before anything is lost.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::FileExt;

use e2e::verdict::Verdict;
use e2e::{World, flows, wait};

crate::trials![
    a_taken_port_is_said,
    a_data_folder_in_use_is_said,
    a_damaged_log_is_said_and_left_as_it_is,
    damaged_snapshots_are_passed_over,
    the_damaged_state_of_an_agent_is_said,
];

fn a_taken_port_is_said() {
    let world = World::new();
    let _taken = TcpListener::bind(("127.0.0.1", world.port)).unwrap();
    let address = format!("127.0.0.1:{}", world.port);
    up(&world).ended(7).says(&[&address, "is taken", "--listen"]);
}

fn a_data_folder_in_use_is_said() {
    let world = World::new();
    let engine = world.engine();
    let other = World::new();
    let data = world.data.display().to_string();
    let listen = format!("127.0.0.1:{}", other.port);
    let pid = engine.pid().to_string();
    other.run(&["up", "--data", &data, "--listen", &listen]).ended(7).says(&[
        "in use by process",
        &pid,
        "stop that engine",
    ]);
    assert!(world.is_ready(), "who has it is not disturbed");
}

fn a_damaged_log_is_said_and_left_as_it_is() {
    let world = World::new();
    let mut engine = world.engine();
    let mut agent = world.agent("n1", 2, &[]);
    let execution = world.submit(&flows::many(&world, "before", 4));
    assert_eq!(world.ended(&execution)["state"], "completed");
    agent.kill();
    engine.kill();
    let journal = world.data.join("log/journal-0.redb");
    let sound = fs::read(&journal).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&journal).unwrap();
    for at in (4_096..sound.len() as u64 - 512).step_by(4_096) {
        file.write_all_at(&[0x5A; 64], at + 128).unwrap();
    }
    let damaged = fs::read(&journal).unwrap();
    let name = journal.display().to_string();
    up(&world).ended(7).says(&[&name, "is damaged", "restore the data folder from a backup"]);
    assert_eq!(fs::read(&journal).unwrap(), damaged, "it is left as it is");

    fs::write(&journal, sound).unwrap();
    let _engine = world.engine();
    Verdict::of(&world).holds(4);
}

fn damaged_snapshots_are_passed_over() {
    let world = World::new();
    let mut engine = world.engine();
    let _agent = world.agent("n1", 2, &[]);
    // How many entries a flow makes depends on how its events fall into batches.
    let mut tasks = 0;
    wait::for_it("a snapshot is written", || {
        let execution = world.submit(&flows::many(&world, "before", 2));
        assert_eq!(world.ended(&execution)["state"], "completed");
        tasks += 2;
        !world.snapshots().is_empty()
    });
    engine.kill();
    let snapshots = world.snapshots();
    for path in &snapshots {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }
    let engine = world.engine();
    assert_eq!(engine.said().matches("passed over").count(), snapshots.len(), "{}", engine.said());
    let after = world.submit(&flows::many(&world, "after", 2));
    assert_eq!(world.ended(&after)["state"], "completed");
    Verdict::of(&world).holds(tasks + 2);
}

fn the_damaged_state_of_an_agent_is_said() {
    let world = World::new();
    let _engine = world.engine();
    let mut agent = world.agent("n1", 1, &[]);
    world.nodes_ready(1);
    agent.stop();
    let boot = world.state().join("agents/n1/boot");
    fs::write(&boot, "{").unwrap();
    world.run(&["agent", "--name", "n1"]).ended(7).says(&[&boot.display().to_string(), "damaged"]);
}

fn up(world: &World) -> e2e::Said {
    let arguments = world.up_arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    world.run(&arguments)
}
