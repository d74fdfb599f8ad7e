import type { DataId, DataType, Tensor, TensorInfo } from '@tensorflow/tfjs-core';

/** What tfjs-node's addon says of an op's output. */
export interface TensorMetadata {
  id: number;
  dtype: number;
  shape: number[];
}

export interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

type TypedValues = Float32Array | Int32Array | Uint8Array | readonly number[];

/** The functions of tfjs-node's addon that are used here. */
export interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: TypedValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayLike<number>;
  executeOp(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(
    id: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): TensorMetadata[];
  readonly [constant: string]: unknown;
}

export interface TensorData {
  id: number;
  dtype: number;
  shape: readonly number[];
  values: unknown;
  refCount: number;
}

export interface DataStorage {
  get(dataId: DataId): TensorData;
  set(dataId: DataId, data: TensorData): void;
  has(dataId: DataId): boolean;
  delete(dataId: DataId): boolean;
  numDataIds(): number;
}

/** tfjs-node's backend. */
export interface TensorFlowBackend {
  binding: Binding;
  tensorMap: DataStorage;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
  executeSingleOutput(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly TensorInfo[],
  ): Tensor;
  readSync(dataId: DataId): unknown;
  read(dataId: DataId): Promise<unknown>;
  getDTypeInteger(dtype: DataType): number;
}
