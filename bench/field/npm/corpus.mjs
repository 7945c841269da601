// Takes the corpus of a directory to a library, and writes its version and one answer a line.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

// Older ones lack what jose and jwks-rsa use, and would refuse everything.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) throw new Error(`Node 20.19 is needed, this is ${process.version}`)

const [dir] = process.argv.slice(2)

export const text = (...names) => readFileSync(join(dir, ...names), 'utf8')

// drive calls setup with the text of a key set and a policy; it returns a function that throws for a refused token.
export async function drive (library, setup) {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${library}/package.json`, import.meta.url)))
  console.log(JSON.stringify({ version }))
  for (const line of text('cases.jsonl').split('\n')) {
    if (!line) continue
    const { name, token, keys, policy, request } = JSON.parse(line)
    if (request) continue
    let answer = 'accepted'
    try {
      const check = await setup(text('keys', keys), JSON.parse(text('policies', policy)), keys)
      await check(token)
    } catch {
      answer = 'refused'
    }
    console.log(JSON.stringify({ name, answer }))
  }
}
