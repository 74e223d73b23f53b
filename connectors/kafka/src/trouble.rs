//! What Kafka answers when it does not do what was asked, in words that say what to do.

use protocol::log::AppendError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::principal::Principal;
use crate::settings::Settings;

/// How the words about a record's size begin.
const TOO_LARGE: &str = "a record of this size is not taken by topic";

/// What was wanted of a topic: the right that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To read records and ends.
    Read,
    /// To append.
    Write,
}

impl Right {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
        }
    }
}

/// In words: what a topic's broker said, and what to do.
pub fn words(settings: &Settings, topic: &str, right: Right, code: Code) -> String {
    let (brokers, principal, verb) = (&settings.brokers, Principal::of(settings), right.word());
    let grant = principal.grant(settings, verb, &format!("--topic {topic}"));
    if code == Code::TopicAuthorizationFailed || code == Code::ClusterAuthorizationFailed {
        let verb = verb.to_lowercase();
        return format!("Kafka does not let {principal} {verb} topic `{topic}`; {grant}");
    }
    if unknown(code) {
        let gone = format!(
            "Kafka has no topic `{topic}`: was it deleted? Its data is gone then; start `reprise up` anew, which makes what \
             is missing and says what cannot be gone on from"
        );
        // Kafka hides from whoever may not know.
        let hidden = format!("; or {principal} may not see it; {grant}");
        return if settings.is_known() { gone + &hidden } else { gone };
    }
    if code == Code::MessageSizeTooLarge || code == Code::MessageBatchTooLarge {
        return format!(
            "{TOO_LARGE} `{topic}`: it is above what this client sends (its message.max.bytes is 1000000), and must be made \
             smaller; or else above what the topic takes, whose bound can be raised: kafka-configs.sh --bootstrap-server \
             {brokers} --alter --entity-type topics --entity-name {topic} --add-config max.message.bytes=1048588"
        );
    }
    if refuses(code) {
        return unreached(settings, code);
    }
    if code == Code::NotEnoughReplicas || code == Code::NotEnoughReplicasAfterAppend {
        return format!("topic `{topic}` has fewer replicas in sync than it asks for: start the brokers that are down");
    }
    if away(code) {
        return format!("no broker of {brokers} answers for topic `{topic}` ({code}): is Kafka running?");
    }
    format!("topic `{topic}`: {code}")
}

/// In words: the cluster does not answer at all, or does not let us in.
pub fn unreached(settings: &Settings, code: Code) -> String {
    let (brokers, principal) = (&settings.brokers, Principal::of(settings));
    if code == Code::SaslAuthenticationFailed || code == Code::Authentication {
        let keys = match principal {
            Principal::Named(_) => "sasl.username and sasl.password",
            Principal::Given(_) => "the keys that begin with `sasl.`",
        };
        return format!("Kafka at {brokers} does not let {principal} in: check {keys}");
    }
    if code == Code::SSL {
        return format!(
            "Kafka at {brokers} and this machine do not agree on TLS: check security.protocol and ssl.ca.location"
        );
    }
    format!(
        "no Kafka broker answers at {brokers} ({code}): is it running, and are address and security.protocol right?"
    )
}

/// In words: why the consumer group gives us no partitions, and what to do. `topic` is what its members read.
pub fn outside(settings: &Settings, group: &str, topic: &str, code: Code) -> String {
    const MEANS: &str = "until then this engine leads only partitions whose leader is silent";
    if code == Code::GroupAuthorizationFailed {
        let principal = Principal::of(settings);
        let grant = principal.grant(settings, "Read", &format!("--group {group}"));
        return format!("Kafka does not let {principal} into the consumer group `{group}`, and {MEANS}; {grant}");
    }
    if code == Code::FencedInstanceId {
        return format!(
            "another engine is in the consumer group `{group}` under the name of this one, which is out of it, and {MEANS}: \
             each engine needs a data folder of its own (--data), and where one is a copy of another's its file `instance` \
             must be deleted; do that and start this engine anew"
        );
    }
    if code == Code::TopicAuthorizationFailed {
        return format!("{}; {MEANS}", words(settings, topic, Right::Read, code));
    }
    format!(
        "the consumer group `{group}` does not take this engine in ({code}), and {MEANS}: start it anew if this lasts"
    )
}

/// What members of a group meet that passes by itself, or that is said by who reads and appends.
pub fn passes_in_group(code: Code) -> bool {
    let passing = [
        Code::CoordinatorLoadInProgress,
        Code::CoordinatorNotAvailable,
        Code::NotCoordinator,
        Code::RebalanceInProgress,
        Code::UnknownMemberId,
        Code::IllegalGeneration,
        Code::PollExceeded,
    ];
    passing.contains(&code) || away(code) || unknown(code) || refuses(code)
}

/// A broker, or this machine, refuses to go on with the connection.
pub fn refuses(code: Code) -> bool {
    [Code::SaslAuthenticationFailed, Code::Authentication, Code::SSL].contains(&code)
}

/// The code within an error, if it holds one.
pub fn code(error: &KafkaError) -> Option<Code> {
    error.rdkafka_error_code()
}

/// The topic or its partition is not there.
pub fn unknown(code: Code) -> bool {
    [Code::UnknownTopicOrPartition, Code::UnknownTopic, Code::UnknownPartition].contains(&code)
}

/// The records that were to be read are not there.
pub fn is_cut(code: Code) -> bool {
    [Code::OffsetOutOfRange, Code::AutoOffsetReset, Code::LogTruncation].contains(&code)
}

/// Kafka refuses for good: trying again changes nothing until a person does something.
pub fn is_final(code: Code) -> bool {
    let refusals = [
        Code::TopicAuthorizationFailed,
        Code::ClusterAuthorizationFailed,
        Code::MessageSizeTooLarge,
        Code::InvalidTopic,
    ];
    refusals.contains(&code)
}

/// An append failed by the size of its records: they will never be taken as they are, all others may be.
pub fn is_too_large(error: &AppendError) -> bool {
    match error {
        AppendError::Refused(why) | AppendError::Failed(why) => why.contains(TOO_LARGE),
        AppendError::Full { .. } => false,
    }
}

fn away(code: Code) -> bool {
    [
        Code::BrokerTransportFailure,
        Code::AllBrokersDown,
        Code::OperationTimedOut,
        Code::RequestTimedOut,
        Code::MessageTimedOut,
        Code::TimedOutQueue,
        Code::Resolve,
        Code::LeaderNotAvailable,
        Code::NotLeaderForPartition,
        Code::WaitingForCoordinator,
    ]
    .contains(&code)
}
