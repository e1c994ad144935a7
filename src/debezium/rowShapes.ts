/** What a schema means for reading rows and keys. The same meaning gives the same object, so that plans made for it are kept. */
import type { RowSchema } from '../core/events.ts'
import { CdcFailure, code } from '../core/failures.ts'
import { ObjectReader, type OnStranger } from './objectReader.ts'
import { connectField, declaredField, type ConnectField, type FieldOptions, type TypedField } from './fields.ts'

export interface RowShape {
  readonly schema: RowSchema
  readonly reader: ObjectReader
  /** Whether each row names every column: with schemas it does; without, a declared column may have been dropped since. */
  readonly complete: boolean
  /** The image of a delete: only columns of the key stand in it, those of `keyShape` last. */
  readonly keyStart: Int32Array
  readonly keyEnd: Int32Array
  keyShape: KeyShape | null
  /** For each key seen: key column -> field. */
  readonly keyFields: Map<KeyShape, Int32Array>
}

export interface KeyShape {
  readonly names: readonly string[]
  readonly reader: ObjectReader
}

export interface Declaration {
  /** `type` is written as PostgreSQL does: `numeric(12,3)`. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly key: readonly string[]
}

export interface DeclaredShapes {
  readonly row: RowShape
  readonly key: KeyShape
}

export class Shapes {
  private readonly options: FieldOptions
  private readonly rows = new Map<string, RowShape>()
  private readonly keys = new Map<string, KeyShape>()

  constructor(options: FieldOptions) {
    this.options = options
  }

  /** Throws CDC3002 UnsupportedType. */
  row(fields: readonly ConnectField[]): RowShape {
    return this.rowOf(
      fields.map((field) => connectField(field, this.options)),
      true,
    )
  }

  key(names: readonly string[]): KeyShape {
    const id = JSON.stringify(names)
    const known = this.keys.get(id)
    if (known) return known
    const shape = { names, reader: new ObjectReader(names) }
    this.keys.set(id, shape)
    return shape
  }

  declared({ columns, key }: Declaration): DeclaredShapes {
    const fields = columns.map(({ name, type }) => declaredField(name, type, this.options))
    return { row: this.rowOf(fields, false), key: this.key(key) }
  }

  private rowOf(typed: readonly TypedField[], complete: boolean): RowShape {
    const id = JSON.stringify([complete, typed.map(({ field, reading }) => [field.name, reading])])
    const known = this.rows.get(id)
    if (known) return known
    const fields = typed.map(({ field }) => field)
    const stranger: OnStranger = (name) => {
      const message = `the row has a column ${JSON.stringify(name)} that its schema lacks`
      throw new CdcFailure(complete ? code.UndecodableRecord : code.SchemaUnknown, message, { details: { column: name } })
    }
    const shape: RowShape = {
      schema: { fields },
      reader: new ObjectReader(
        fields.map(({ name }) => name),
        stranger,
      ),
      complete,
      keyStart: new Int32Array(fields.length).fill(-1),
      keyEnd: new Int32Array(fields.length),
      keyShape: null,
      keyFields: new Map(),
    }
    this.rows.set(id, shape)
    return shape
  }
}
