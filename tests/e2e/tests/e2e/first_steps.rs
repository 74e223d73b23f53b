//! The first five minutes, as a new user types them: no configuration, no address, no login.

use std::fs;
use std::net::TcpListener;

use e2e::{World, wait};

crate::trials![a_new_user_needs_no_settings];

fn a_new_user_needs_no_settings() {
    let world = World::new();
    if TcpListener::bind("127.0.0.1:7717").is_err() {
        return e2e::skip("somebody listens at 127.0.0.1:7717");
    }
    let typed = |line: &[&str]| {
        let mut command = world.command(line);
        command.env_remove("REPRISE_URL");
        command
    };
    let mut engine = world.begin("engine", &mut typed(&["up"]));
    wait::for_it("the engine is ready", || {
        assert!(engine.ended().is_none(), "{}", engine.said());
        engine.said().contains("engine ready at http://127.0.0.1:7717 (embedded log, ./reprise-data, epoch 1)")
    });
    let mut agent = world.begin("agent", &mut typed(&["agent"]));
    fs::write(world.path("hello.yaml"), "tasks:\n  hello:\n    run: echo hello\n").unwrap();
    world.finish(&mut typed(&["run", "hello.yaml"])).ended(0).says(&["hello-1", "PASS"]);
    world.finish(&mut typed(&["logs", "hello"])).ended(0).says(&["hello"]);
    world.finish(&mut typed(&["status"])).ended(0).says(&["pool default", "hello-1", "completed"]);
    world.finish(&mut typed(&["nodes"])).ended(0).says(&["ready"]);
    agent.stop();
    engine.stop();
    assert!(world.path("reprise-data").is_dir(), "its data are where it was started");
}
