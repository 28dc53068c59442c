import { sendTransaction } from '../../../schemas/server/transactions.ts'
import { type Route, route } from '../../http/route.ts'
import type { TransactionReceiver } from '../inbound/transaction.ts'
import { losslessBody } from '../pdus.ts'

export interface TransactionsServices {
  readonly transactionReceiver: Pick<TransactionReceiver, 'receive'>
}

export const transactionsRoutes = ({ transactionReceiver }: TransactionsServices): Route[] => [
  route(sendTransaction, async ({ params, body, bodyText, requester: { origin } }) => {
    const { pdus = [], edus = [] } = losslessBody(body, bodyText)
    return transactionReceiver.receive(origin, params.txnId, { pdus, edus })
  }),
]
