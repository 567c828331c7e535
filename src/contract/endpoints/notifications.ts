import { id } from '../id.ts'
import {
  newWebhook,
  notificationDelivery,
  notificationDeliveryPage,
  notificationDeliveryQuery,
  secretRotation,
  webhook,
  webhookChange,
  webhookPage,
  webhookQuery,
  webhookTrial,
  webhookWithSecret,
} from '../notifications.ts'
import { endpoint } from './endpoint.ts'

export const notifications = {
  list: endpoint({
    method: 'GET',
    path: '/api/notifications/deliveries',
    tag: 'notifications',
    allowed: { scope: 'read', roles: ['admin'] },
    query: notificationDeliveryQuery,
    answers: { 200: notificationDeliveryPage },
  }),
  retry: endpoint({
    method: 'POST',
    path: '/api/notifications/deliveries/:id/retry',
    tag: 'notifications',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('ntf') },
    answers: { 200: notificationDelivery },
  }),
}

export const webhooks = {
  list: endpoint({
    method: 'GET',
    path: '/api/webhooks',
    tag: 'notifications',
    allowed: { scope: 'read', roles: ['admin'] },
    query: webhookQuery,
    answers: { 200: webhookPage },
  }),
  get: endpoint({
    method: 'GET',
    path: '/api/webhooks/:id',
    tag: 'notifications',
    allowed: { scope: 'read', roles: ['admin'] },
    params: { id: id('whk') },
    answers: { 200: webhook },
  }),
  create: endpoint({
    method: 'POST',
    path: '/api/webhooks',
    tag: 'notifications',
    allowed: { scope: 'manage', roles: ['admin'] },
    body: newWebhook,
    answers: { 201: webhookWithSecret },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/api/webhooks/:id',
    tag: 'notifications',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('whk') },
    body: webhookChange,
    answers: { 200: webhook },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/api/webhooks/:id',
    tag: 'notifications',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('whk') },
    answers: { 204: null },
  }),
  rotate: endpoint({
    method: 'POST',
    path: '/api/webhooks/:id/rotate',
    tag: 'notifications',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('whk') },
    body: secretRotation,
    answers: { 200: webhookWithSecret },
  }),
  tryOut: endpoint({
    method: 'POST',
    path: '/api/webhooks/:id/test',
    tag: 'notifications',
    allowed: { scope: 'manage', roles: ['admin'] },
    params: { id: id('whk') },
    answers: { 200: webhookTrial },
  }),
}
