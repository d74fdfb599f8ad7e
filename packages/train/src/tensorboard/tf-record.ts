import { maskedCrc32c } from '@llr/datasets';

/** A TFRecord: uint64 length, masked CRC-32C of the length, the payload, masked CRC-32C of the payload. */
export function tfRecord(payload: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(payload.length));
  return Buffer.concat([length, checksum(length), payload, checksum(payload)]);
}

function checksum(bytes: Buffer): Buffer {
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE(maskedCrc32c(bytes));
  return masked;
}
