export * from './lz4'
export * from './records'
