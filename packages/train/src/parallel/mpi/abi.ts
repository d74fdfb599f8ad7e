/** What MPI's own constants are in a library: addresses of objects in Open MPI, numbers in MPICH. */
export interface Handles {
  /** The C type of a handle, as koffi writes it. */
  readonly type: 'void *' | 'int';
  readonly world: Handle;
  readonly float: Handle;
  readonly byte: Handle;
  readonly sum: Handle;
  readonly errorsReturn: Handle;
}

export type Handle = bigint | number;

/** Open MPI 4 and 5: the addresses of its objects. */
export const openMpiHandles = (address: (symbol: string) => bigint): Handles => ({
  type: 'void *',
  world: address('ompi_mpi_comm_world'),
  float: address('ompi_mpi_float'),
  byte: address('ompi_mpi_byte'),
  sum: address('ompi_mpi_op_sum'),
  errorsReturn: address('ompi_mpi_errors_return'),
});

/** MPICH's numbers, which its ABI initiative has fixed: Intel MPI, Cray MPICH and MVAPICH have the same. */
export const mpichHandles: Handles = {
  type: 'int',
  world: 0x44000000,
  float: 0x4c00040a,
  byte: 0x4c00010d,
  sum: 0x58000003,
  errorsReturn: 0x54000001,
};
