//! Every error code of Kafka's protocol, and what a client may do about each.

use serde::{Deserialize, Serialize};

/// What a client may do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: it is final.
    GiveUp,
    /// Try again.
    Retry,
    /// Ask for fresh metadata and try again (`InvalidMetadataException`).
    RefreshAndRetry,
}

macro_rules! error_codes {
    ($($code:literal $name:ident $text:literal $remedy:ident;)*) => {
        /// An error code of Kafka's protocol, under its own name and number.
        ///
        /// Source: `org.apache.kafka.common.protocol.Errors`, Kafka 4.0.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(#[doc = $text] $name = $code,)*
        }

        impl ErrorCode {
            /// Every code, lowest number first.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name,)*];

            /// Returns Kafka's name, such as `NOT_LEADER_OR_FOLLOWER`.
            pub fn name(self) -> &'static str {
                match self {
                    $(ErrorCode::$name => $text,)*
                }
            }

            /// Returns what a client may do about it.
            pub fn remedy(self) -> Remedy {
                match self {
                    $(ErrorCode::$name => Remedy::$remedy,)*
                }
            }
        }
    };
}

error_codes! {
    -1 UnknownServerError "UNKNOWN_SERVER_ERROR" GiveUp;
    0 None "NONE" GiveUp;
    1 OffsetOutOfRange "OFFSET_OUT_OF_RANGE" GiveUp;
    2 CorruptMessage "CORRUPT_MESSAGE" Retry;
    3 UnknownTopicOrPartition "UNKNOWN_TOPIC_OR_PARTITION" RefreshAndRetry;
    4 InvalidFetchSize "INVALID_FETCH_SIZE" GiveUp;
    5 LeaderNotAvailable "LEADER_NOT_AVAILABLE" RefreshAndRetry;
    6 NotLeaderOrFollower "NOT_LEADER_OR_FOLLOWER" RefreshAndRetry;
    7 RequestTimedOut "REQUEST_TIMED_OUT" Retry;
    8 BrokerNotAvailable "BROKER_NOT_AVAILABLE" GiveUp;
    9 ReplicaNotAvailable "REPLICA_NOT_AVAILABLE" RefreshAndRetry;
    10 MessageTooLarge "MESSAGE_TOO_LARGE" GiveUp;
    11 StaleControllerEpoch "STALE_CONTROLLER_EPOCH" GiveUp;
    12 OffsetMetadataTooLarge "OFFSET_METADATA_TOO_LARGE" GiveUp;
    13 NetworkException "NETWORK_EXCEPTION" RefreshAndRetry;
    14 CoordinatorLoadInProgress "COORDINATOR_LOAD_IN_PROGRESS" Retry;
    15 CoordinatorNotAvailable "COORDINATOR_NOT_AVAILABLE" Retry;
    16 NotCoordinator "NOT_COORDINATOR" Retry;
    17 InvalidTopicException "INVALID_TOPIC_EXCEPTION" GiveUp;
    18 RecordListTooLarge "RECORD_LIST_TOO_LARGE" GiveUp;
    19 NotEnoughReplicas "NOT_ENOUGH_REPLICAS" Retry;
    20 NotEnoughReplicasAfterAppend "NOT_ENOUGH_REPLICAS_AFTER_APPEND" Retry;
    21 InvalidRequiredAcks "INVALID_REQUIRED_ACKS" GiveUp;
    22 IllegalGeneration "ILLEGAL_GENERATION" GiveUp;
    23 InconsistentGroupProtocol "INCONSISTENT_GROUP_PROTOCOL" GiveUp;
    24 InvalidGroupId "INVALID_GROUP_ID" GiveUp;
    25 UnknownMemberId "UNKNOWN_MEMBER_ID" GiveUp;
    26 InvalidSessionTimeout "INVALID_SESSION_TIMEOUT" GiveUp;
    27 RebalanceInProgress "REBALANCE_IN_PROGRESS" GiveUp;
    28 InvalidCommitOffsetSize "INVALID_COMMIT_OFFSET_SIZE" GiveUp;
    29 TopicAuthorizationFailed "TOPIC_AUTHORIZATION_FAILED" GiveUp;
    30 GroupAuthorizationFailed "GROUP_AUTHORIZATION_FAILED" GiveUp;
    31 ClusterAuthorizationFailed "CLUSTER_AUTHORIZATION_FAILED" GiveUp;
    32 InvalidTimestamp "INVALID_TIMESTAMP" GiveUp;
    33 UnsupportedSaslMechanism "UNSUPPORTED_SASL_MECHANISM" GiveUp;
    34 IllegalSaslState "ILLEGAL_SASL_STATE" GiveUp;
    35 UnsupportedVersion "UNSUPPORTED_VERSION" GiveUp;
    36 TopicAlreadyExists "TOPIC_ALREADY_EXISTS" GiveUp;
    37 InvalidPartitions "INVALID_PARTITIONS" GiveUp;
    38 InvalidReplicationFactor "INVALID_REPLICATION_FACTOR" GiveUp;
    39 InvalidReplicaAssignment "INVALID_REPLICA_ASSIGNMENT" GiveUp;
    40 InvalidConfig "INVALID_CONFIG" GiveUp;
    41 NotController "NOT_CONTROLLER" Retry;
    42 InvalidRequest "INVALID_REQUEST" GiveUp;
    43 UnsupportedForMessageFormat "UNSUPPORTED_FOR_MESSAGE_FORMAT" GiveUp;
    44 PolicyViolation "POLICY_VIOLATION" GiveUp;
    45 OutOfOrderSequenceNumber "OUT_OF_ORDER_SEQUENCE_NUMBER" GiveUp;
    46 DuplicateSequenceNumber "DUPLICATE_SEQUENCE_NUMBER" GiveUp;
    47 InvalidProducerEpoch "INVALID_PRODUCER_EPOCH" GiveUp;
    48 InvalidTxnState "INVALID_TXN_STATE" GiveUp;
    49 InvalidProducerIdMapping "INVALID_PRODUCER_ID_MAPPING" GiveUp;
    50 InvalidTransactionTimeout "INVALID_TRANSACTION_TIMEOUT" GiveUp;
    51 ConcurrentTransactions "CONCURRENT_TRANSACTIONS" Retry;
    52 TransactionCoordinatorFenced "TRANSACTION_COORDINATOR_FENCED" GiveUp;
    53 TransactionalIdAuthorizationFailed "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" GiveUp;
    54 SecurityDisabled "SECURITY_DISABLED" GiveUp;
    55 OperationNotAttempted "OPERATION_NOT_ATTEMPTED" GiveUp;
    56 KafkaStorageError "KAFKA_STORAGE_ERROR" RefreshAndRetry;
    57 LogDirNotFound "LOG_DIR_NOT_FOUND" GiveUp;
    58 SaslAuthenticationFailed "SASL_AUTHENTICATION_FAILED" GiveUp;
    59 UnknownProducerId "UNKNOWN_PRODUCER_ID" GiveUp;
    60 ReassignmentInProgress "REASSIGNMENT_IN_PROGRESS" GiveUp;
    61 DelegationTokenAuthDisabled "DELEGATION_TOKEN_AUTH_DISABLED" GiveUp;
    62 DelegationTokenNotFound "DELEGATION_TOKEN_NOT_FOUND" GiveUp;
    63 DelegationTokenOwnerMismatch "DELEGATION_TOKEN_OWNER_MISMATCH" GiveUp;
    64 DelegationTokenRequestNotAllowed "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED" GiveUp;
    65 DelegationTokenAuthorizationFailed "DELEGATION_TOKEN_AUTHORIZATION_FAILED" GiveUp;
    66 DelegationTokenExpired "DELEGATION_TOKEN_EXPIRED" GiveUp;
    67 InvalidPrincipalType "INVALID_PRINCIPAL_TYPE" GiveUp;
    68 NonEmptyGroup "NON_EMPTY_GROUP" GiveUp;
    69 GroupIdNotFound "GROUP_ID_NOT_FOUND" GiveUp;
    70 FetchSessionIdNotFound "FETCH_SESSION_ID_NOT_FOUND" Retry;
    71 InvalidFetchSessionEpoch "INVALID_FETCH_SESSION_EPOCH" Retry;
    72 ListenerNotFound "LISTENER_NOT_FOUND" RefreshAndRetry;
    73 TopicDeletionDisabled "TOPIC_DELETION_DISABLED" GiveUp;
    74 FencedLeaderEpoch "FENCED_LEADER_EPOCH" RefreshAndRetry;
    75 UnknownLeaderEpoch "UNKNOWN_LEADER_EPOCH" Retry;
    76 UnsupportedCompressionType "UNSUPPORTED_COMPRESSION_TYPE" GiveUp;
    77 StaleBrokerEpoch "STALE_BROKER_EPOCH" GiveUp;
    78 OffsetNotAvailable "OFFSET_NOT_AVAILABLE" Retry;
    79 MemberIdRequired "MEMBER_ID_REQUIRED" GiveUp;
    80 PreferredLeaderNotAvailable "PREFERRED_LEADER_NOT_AVAILABLE" RefreshAndRetry;
    81 GroupMaxSizeReached "GROUP_MAX_SIZE_REACHED" GiveUp;
    82 FencedInstanceId "FENCED_INSTANCE_ID" GiveUp;
    83 EligibleLeadersNotAvailable "ELIGIBLE_LEADERS_NOT_AVAILABLE" RefreshAndRetry;
    84 ElectionNotNeeded "ELECTION_NOT_NEEDED" RefreshAndRetry;
    85 NoReassignmentInProgress "NO_REASSIGNMENT_IN_PROGRESS" GiveUp;
    86 GroupSubscribedToTopic "GROUP_SUBSCRIBED_TO_TOPIC" GiveUp;
    87 InvalidRecord "INVALID_RECORD" GiveUp;
    88 UnstableOffsetCommit "UNSTABLE_OFFSET_COMMIT" Retry;
    89 ThrottlingQuotaExceeded "THROTTLING_QUOTA_EXCEEDED" Retry;
    90 ProducerFenced "PRODUCER_FENCED" GiveUp;
    91 ResourceNotFound "RESOURCE_NOT_FOUND" GiveUp;
    92 DuplicateResource "DUPLICATE_RESOURCE" GiveUp;
    93 UnacceptableCredential "UNACCEPTABLE_CREDENTIAL" GiveUp;
    94 InconsistentVoterSet "INCONSISTENT_VOTER_SET" GiveUp;
    95 InvalidUpdateVersion "INVALID_UPDATE_VERSION" GiveUp;
    96 FeatureUpdateFailed "FEATURE_UPDATE_FAILED" GiveUp;
    97 PrincipalDeserializationFailure "PRINCIPAL_DESERIALIZATION_FAILURE" GiveUp;
    98 SnapshotNotFound "SNAPSHOT_NOT_FOUND" GiveUp;
    99 PositionOutOfRange "POSITION_OUT_OF_RANGE" GiveUp;
    100 UnknownTopicId "UNKNOWN_TOPIC_ID" RefreshAndRetry;
    101 DuplicateBrokerRegistration "DUPLICATE_BROKER_REGISTRATION" GiveUp;
    102 BrokerIdNotRegistered "BROKER_ID_NOT_REGISTERED" GiveUp;
    103 InconsistentTopicId "INCONSISTENT_TOPIC_ID" RefreshAndRetry;
    104 InconsistentClusterId "INCONSISTENT_CLUSTER_ID" GiveUp;
    105 TransactionalIdNotFound "TRANSACTIONAL_ID_NOT_FOUND" GiveUp;
    106 FetchSessionTopicIdError "FETCH_SESSION_TOPIC_ID_ERROR" Retry;
    107 IneligibleReplica "INELIGIBLE_REPLICA" GiveUp;
    108 NewLeaderElected "NEW_LEADER_ELECTED" GiveUp;
    109 OffsetMovedToTieredStorage "OFFSET_MOVED_TO_TIERED_STORAGE" GiveUp;
    110 FencedMemberEpoch "FENCED_MEMBER_EPOCH" GiveUp;
    111 UnreleasedInstanceId "UNRELEASED_INSTANCE_ID" GiveUp;
    112 UnsupportedAssignor "UNSUPPORTED_ASSIGNOR" GiveUp;
    113 StaleMemberEpoch "STALE_MEMBER_EPOCH" GiveUp;
    114 MismatchedEndpointType "MISMATCHED_ENDPOINT_TYPE" GiveUp;
    115 UnsupportedEndpointType "UNSUPPORTED_ENDPOINT_TYPE" GiveUp;
    116 UnknownControllerId "UNKNOWN_CONTROLLER_ID" GiveUp;
    117 UnknownSubscriptionId "UNKNOWN_SUBSCRIPTION_ID" GiveUp;
    118 TelemetryTooLarge "TELEMETRY_TOO_LARGE" GiveUp;
    119 InvalidRegistration "INVALID_REGISTRATION" GiveUp;
    120 TransactionAbortable "TRANSACTION_ABORTABLE" GiveUp;
    121 InvalidRecordState "INVALID_RECORD_STATE" GiveUp;
    122 ShareSessionNotFound "SHARE_SESSION_NOT_FOUND" Retry;
    123 InvalidShareSessionEpoch "INVALID_SHARE_SESSION_EPOCH" Retry;
    124 FencedStateEpoch "FENCED_STATE_EPOCH" GiveUp;
    125 InvalidVoterKey "INVALID_VOTER_KEY" GiveUp;
    126 DuplicateVoter "DUPLICATE_VOTER" GiveUp;
    127 VoterNotFound "VOTER_NOT_FOUND" GiveUp;
    128 InvalidRegularExpression "INVALID_REGULAR_EXPRESSION" GiveUp;
}

impl ErrorCode {
    /// Returns the number on the wire.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// Says whether a client may try again (`RetriableException`).
    pub fn is_retriable(self) -> bool {
        self.remedy() != Remedy::GiveUp
    }

    /// Says whether it tells that the client's metadata is stale (`InvalidMetadataException`).
    pub fn is_stale_metadata(self) -> bool {
        self.remedy() == Remedy::RefreshAndRetry
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
