/** Parts of the config, for programs that do not need all of it: nobody has to name a broker to ask how a table is. */
import { z } from 'zod'
import { freeze, invalid, pipelineName, problemsOf, readTree, type Config, type Files } from './config.ts'
import { overlay, resolveReferences, type Environment, type Problem, type Tree } from './environment.ts'
import { configSchema } from './schema.ts'

/** How to find the workflows of tables. */
export interface Control {
  readonly pipeline: string
  readonly defaultSchema: string
  readonly taskQueue: string
}

/** How to find tables in the lake. `database`: null where all databases under the URL are meant. */
export interface Lake {
  readonly lake: Config['lake']
  readonly database: string | null
  readonly defaultSchema: string
}

/** How to look at the topics of a pipeline. */
export interface Topics {
  readonly topicPrefix: string
  readonly kafka: Config['kafka']
}

const { pipeline, lake, kafka, temporal } = configSchema.shape

const controlSchema = z.object({
  pipeline: pipeline.partial().refine(({ name, topicPrefix }) => name ?? topicPrefix, {
    error: 'expected the name of the pipeline: set CDC_PIPELINE or CDC_TOPIC_PREFIX',
  }),
  temporal,
})

const lakeSchema = z.object({ pipeline: pipeline.partial(), lake })

/** CDC1002 with every problem. A pipeline's name or its topic prefix is all that must be given. */
export function loadControl(env: Environment, files: Files): Control {
  const { pipeline, temporal } = load(env, files, controlSchema, ['pipeline', 'temporal'])
  return freeze({
    pipeline: pipeline.name ?? pipelineName(pipeline.topicPrefix!),
    defaultSchema: pipeline.defaultSchema ?? 'public',
    taskQueue: temporal.taskQueue,
  })
}

/** CDC1002 with every problem. The lake's URL is all that must be given. */
export function loadLake(env: Environment, files: Files): Lake {
  const { pipeline, lake } = load(env, files, lakeSchema, ['pipeline', 'lake'])
  return freeze({ lake, database: pipeline.database ?? null, defaultSchema: pipeline.defaultSchema ?? 'public' })
}

const topicsSchema = z.object({ pipeline: pipeline.partial().required({ topicPrefix: true }), kafka })

/** CDC1002 with every problem. The topic prefix and brokers are all that must be given. */
export function loadTopics(env: Environment, files: Files): Topics {
  const { pipeline, kafka } = load(env, files, topicsSchema, ['pipeline', 'kafka'])
  return freeze({ topicPrefix: pipeline.topicPrefix, kafka: { ...kafka, group: null } })
}

function load<T>(env: Environment, files: Files, schema: z.ZodType<T>, sections: readonly string[]): T {
  const problems: Problem[] = []
  const tree = readTree(env, files, problems)
  overlay(tree, env, problems)
  const part: Tree = Object.fromEntries(sections.map((section) => [section, tree[section] ?? {}]))
  resolveReferences(part, env, (path) => files.readFile(path), problems)
  const parsed = schema.safeParse(part)
  for (const issue of parsed.error?.issues ?? []) problems.push(...problemsOf(issue))
  if (problems.length > 0 || !parsed.success) throw invalid(problems)
  return parsed.data
}
