/**
 * One record is damaged: what a reader throws when a record's own bytes are wrong (empty, cut short, a
 * checksum that disagrees). The message says which record, in which file, where, and what is wrong. Anything
 * else a reader throws (a file that went missing, a network that is down) is not the fault of one record.
 */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}
