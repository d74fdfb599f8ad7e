import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';

/**
 * What a parquet file says of itself.
 *
 * @throws when it is no parquet file, or its row groups have other columns than its schema
 */
export async function parquetFooter(file: AsyncBuffer): Promise<FileMetaData> {
  const metadata = await parquetMetadataAsync(file);
  assertColumns(metadata);
  return metadata;
}

/**
 * Refuses a footer whose row groups have other columns than its schema, or two of one name: hyparquet starts to
 * read all of them and waits for those of the schema alone, so that an error in another would end the process.
 */
function assertColumns(metadata: FileMetaData): void {
  const { children } = parquetSchema(metadata);
  const names = children.map(({ element }) => element.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`it has two columns '${twice}'`);
  const expected = children.flatMap(leaves);
  for (const [group, { columns }] of metadata.row_groups.entries()) {
    const found = columns.map(({ meta_data }) => meta_data?.path_in_schema.join('.'));
    if (String(found) === String(expected)) continue;
    throw new Error(
      `row group ${group} has the columns ${found.join(', ')}, not ${expected.join(', ')}`,
    );
  }
}

const leaves = ({ path, children }: SchemaTree): string[] =>
  children.length > 0 ? children.flatMap(leaves) : [path.join('.')];
