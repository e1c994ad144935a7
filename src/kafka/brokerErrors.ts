/** Error codes of Kafka's answers, the ones that this room tells apart; the rest only count as "not now". */
import { CdcFailure, code } from '../core/failures.ts'

export const brokerError = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  unsupportedVersion: 35,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

const names = new Map<number, string>([
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [1, 'OFFSET_OUT_OF_RANGE'],
  [2, 'CORRUPT_MESSAGE'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [5, 'LEADER_NOT_AVAILABLE'],
  [6, 'NOT_LEADER_OR_FOLLOWER'],
  [7, 'REQUEST_TIMED_OUT'],
  [9, 'REPLICA_NOT_AVAILABLE'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS'],
  [15, 'COORDINATOR_NOT_AVAILABLE'],
  [16, 'NOT_COORDINATOR'],
  [17, 'INVALID_TOPIC_EXCEPTION'],
  [25, 'UNKNOWN_MEMBER_ID'],
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [30, 'GROUP_AUTHORIZATION_FAILED'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED'],
  [35, 'UNSUPPORTED_VERSION'],
  [56, 'KAFKA_STORAGE_ERROR'],
  [74, 'FENCED_LEADER_EPOCH'],
  [75, 'UNKNOWN_LEADER_EPOCH'],
  [78, 'OFFSET_NOT_AVAILABLE'],
  [100, 'UNKNOWN_TOPIC_ID'],
  [103, 'INCONSISTENT_TOPIC_ID'],
])

export function brokerErrorName(error: number): string {
  return names.get(error) ?? `error ${error}`
}

/** Kafka does not answer, or answers "not now": CDC2001, tried again by whoever asked. */
export function unavailable(message: string, cause?: unknown): CdcFailure {
  return new CdcFailure(code.KafkaUnavailable, message, cause === undefined ? {} : { cause })
}

/** `what` names the thing asked for, for example `offsets of cdc.public.flights/0`. */
export function refused(what: string, error: number): CdcFailure {
  const denied =
    error === brokerError.topicAuthorizationFailed ||
    error === brokerError.groupAuthorizationFailed ||
    error === brokerError.clusterAuthorizationFailed
  return new CdcFailure(code.KafkaUnavailable, `Kafka refused ${what}: ${brokerErrorName(error)}`, {
    details: { error },
    ...(denied ? { hint: 'Give this principal Read and Describe on the topic and Read on the group.' } : {}),
  })
}
