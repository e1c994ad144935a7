/** Columns <-> Parquet's schema elements: physical type, converted type for old readers, logical type for new ones (SEMANTICS R2.18). */
import { decimalOf, elementOf, type Column, type ScalarType } from '../core/schema.ts'
import { encodeStruct, thrift } from './parquetThrift.ts'

type Element = InstanceType<typeof thrift.SchemaElement>

/** Of the column chunk that holds a column's values. */
export interface Leaf {
  readonly path: readonly string[]
  readonly type: number
}

export function leafOfColumn({ name, type }: Column): Leaf {
  const element = elementOf(type)
  return { path: element ? [name, 'list', 'element'] : [name], type: physicalType(element ?? (type as ScalarType)) }
}

/** The schema's tree, depth first. */
export function schemaElements(columns: readonly Column[]): Element[] {
  const elements = [new thrift.SchemaElement({ name: 'root', num_children: columns.length })]
  for (const { name, type } of columns) {
    const element = elementOf(type)
    if (!element) {
      elements.push(scalarElement(name, type as ScalarType))
      continue
    }
    const list = new thrift.SchemaElement({ name, num_children: 1, repetition_type: thrift.FieldRepetitionType.OPTIONAL })
    list.converted_type = thrift.ConvertedType.LIST
    list.logicalType = new thrift.LogicalType({ LIST: new thrift.ListType() })
    const repeated = { name: 'list', num_children: 1, repetition_type: thrift.FieldRepetitionType.REPEATED }
    elements.push(list, new thrift.SchemaElement(repeated), scalarElement('element', element))
  }
  return elements
}

function scalarElement(name: string, type: ScalarType): Element {
  const { ConvertedType, LogicalType } = thrift
  const element = new thrift.SchemaElement({ name, repetition_type: thrift.FieldRepetitionType.OPTIONAL })
  element.type = physicalType(type)
  const decimal = decimalOf(type)
  if (decimal) {
    if (decimal.precision === 38) element.type_length = 16
    Object.assign(element, decimal, { converted_type: ConvertedType.DECIMAL })
    element.logicalType = new LogicalType({ DECIMAL: new thrift.DecimalType(decimal) })
  } else if (type === 'string') {
    element.converted_type = ConvertedType.UTF8
    element.logicalType = new LogicalType({ STRING: new thrift.StringType() })
  } else if (type === 'date') {
    element.converted_type = ConvertedType.DATE
    element.logicalType = new LogicalType({ DATE: new thrift.DateType() })
  } else if (type === 'timestamp' || type === 'timestamp_ntz') {
    // The converted type always means UTC, so the one without zone has none.
    if (type === 'timestamp') element.converted_type = ConvertedType.TIMESTAMP_MICROS
    const unit = new thrift.TimeUnit({ MICROS: new thrift.MicroSeconds() })
    element.logicalType = new LogicalType({
      TIMESTAMP: new thrift.TimestampType({ isAdjustedToUTC: type === 'timestamp', unit }),
    })
  }
  return element
}

function physicalType(type: ScalarType): number {
  const { Type } = thrift
  switch (type) {
    case 'integer':
    case 'date':
      return Type.INT32
    case 'double':
      return Type.DOUBLE
    case 'boolean':
      return Type.BOOLEAN
    case 'string':
    case 'binary':
      return Type.BYTE_ARRAY
    default:
      return decimalOf(type)?.precision === 38 ? Type.FIXED_LEN_BYTE_ARRAY : Type.INT64
  }
}

/** The columns of a file's schema. Throws a plain Error for a schema that is not one of a lake table. */
export function columnsOf(elements: readonly Element[]): Column[] {
  const root = elements[0]
  if (!root) throw new Error('the schema is empty')
  const columns: Column[] = []
  let at = 1
  for (let i = 0; i < (root.num_children ?? 0); i++) {
    const element = elements[at]
    if (!element) throw new Error('the schema ends too early')
    if (!element.num_children) {
      columns.push({ name: element.name, type: scalarType(element) })
      at++
      continue
    }
    const repeated = elements[at + 1]
    const inner = elements[at + 2]
    if (
      !element.logicalType?.LIST ||
      element.num_children !== 1 ||
      repeated?.num_children !== 1 ||
      repeated.repetition_type !== thrift.FieldRepetitionType.REPEATED ||
      !inner ||
      inner.num_children
    ) {
      throw new Error(`column ${element.name} is nested, but not a list of values`)
    }
    columns.push({ name: element.name, type: `array<${scalarType(inner)}>` })
    at += 3
  }
  if (at !== elements.length) throw new Error('the schema has elements that belong to no column')
  return columns
}

const plainTypes: readonly ScalarType[] = [
  'integer',
  'long',
  'double',
  'boolean',
  'string',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
]

/** The type whose element is this very one: anything else would make files of one table differ from each other. */
function scalarType(element: Element): ScalarType {
  const { precision, scale } = element.logicalType?.DECIMAL ?? {}
  const candidates = precision === undefined ? plainTypes : [`decimal(${precision},${scale})` as ScalarType]
  const bytes = Buffer.from(encodeStruct(element))
  const type = candidates.find((type) => bytes.equals(encodeStruct(scalarElement(element.name, type))))
  if (!type) throw new Error(`column ${element.name} is of a type that no lake table has`)
  return type
}
