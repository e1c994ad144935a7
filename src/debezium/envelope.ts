/** Members of Debezium's envelope and of its `transaction`, in their usual order, and by which number readers know them. */
export const envelopeNames = ['before', 'after', 'source', 'transaction', 'op', 'ts_ms', 'ts_us', 'ts_ns']
export const before = 0
export const after = 1
export const source = 2
export const transaction = 3
export const op = 4

export const transactionNames = ['id', 'total_order', 'data_collection_order']
export const totalOrder = 1
