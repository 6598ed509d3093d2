/** SIP accounts. The only part of the API that writes; every write is in the audit log. */
import { z } from 'zod'
import { failureAnswer, userAnswer, usersAnswer } from '../answers.ts'
import type { AdminNode } from '../port.ts'
import { ok, replyTo, route, type Route } from '../route.ts'

const newPassword = z.strictObject({
  password: z.string().min(1).max(256).describe('Kept as digest hashes only.'),
})

const newUser = newPassword.extend({ username: z.string().min(1).max(128) })

const named = z.object({ username: z.string().describe('User name.') })

const noSuchAccount = { description: 'No such account.', schema: failureAnswer }

const notWritten = {
  description: 'The accounts file cannot be read or written, or the node is starting.',
  schema: failureAnswer,
}

export function userRoutes(node: AdminNode): Route[] {
  const tag = 'Accounts'
  return [
    route({
      url: '/api/v1/users',
      tag,
      summary: 'Accounts of this node.',
      answers: { 200: { description: 'Names and AORs, never a hash.', schema: usersAnswer } },
      handle: () => ok({ users: node.users() }),
    }),
    route({
      method: 'POST',
      url: '/api/v1/users',
      tag,
      summary: 'Adds an account.',
      body: newUser,
      answers: {
        201: { description: 'Made.', schema: userAnswer },
        409: { description: 'It exists already.', schema: failureAnswer },
        503: notWritten,
      },
      handle: async ({ body, audit }) => {
        const result = await node.addUser(body.username, body.password)
        audit('users.add', body.username, result.ok)
        return replyTo(result, 201)
      },
    }),
    route({
      method: 'PUT',
      url: '/api/v1/users/:username/password',
      tag,
      summary: 'Gives an account another password; its phones stay registered until they register again.',
      params: named,
      body: newPassword,
      answers: { 200: { description: 'Changed.', schema: userAnswer }, 404: noSuchAccount, 503: notWritten },
      handle: async ({ params, body, audit }) => {
        const result = await node.setPassword(params.username, body.password)
        audit('users.password', params.username, result.ok)
        return replyTo(result)
      },
    }),
    route({
      method: 'DELETE',
      url: '/api/v1/users/:username',
      tag,
      summary: 'Removes an account; its phones are unregistered.',
      params: named,
      answers: { 200: { description: 'Removed.', schema: userAnswer }, 404: noSuchAccount, 503: notWritten },
      handle: async ({ params, audit }) => {
        const result = await node.removeUser(params.username)
        audit('users.remove', params.username, result.ok)
        return replyTo(result)
      },
    }),
  ]
}
