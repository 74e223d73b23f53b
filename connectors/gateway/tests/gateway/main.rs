//! The gateway in front of a real engine on the embedded log, asked by HTTP over its socket and over TCP.

#![cfg(test)]

mod client;
mod node;
mod stage;

mod bounds;
mod door;
mod full;
mod life;
mod output;
mod parked;
mod starting;
mod verbs;
