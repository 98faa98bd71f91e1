import { headersOf } from './responses.ts';

export const SUBSCRIPTION_WARNING = headersOf(`
  anthropic-ratelimit-unified-status: allowed_warning
  anthropic-ratelimit-unified-5h-status: allowed_warning
  anthropic-ratelimit-unified-5h-utilization: 0.94
  anthropic-ratelimit-unified-5h-reset: 1785634800
  anthropic-ratelimit-unified-5h-surpassed-threshold: 0.9
  anthropic-ratelimit-unified-7d-status: allowed
  anthropic-ratelimit-unified-7d-utilization: 0.42
  anthropic-ratelimit-unified-7d-reset: 1786021200
  anthropic-ratelimit-unified-representative-claim: five_hour
  anthropic-ratelimit-unified-reset: 1785634800
  anthropic-ratelimit-unified-fallback: available
  anthropic-ratelimit-unified-fallback-percentage: 0.5
  anthropic-ratelimit-unified-overage-status: rejected
  anthropic-ratelimit-unified-overage-disabled-reason: out_of_credits`);

export const SUBSCRIPTION_200 = headersOf(`
  anthropic-ratelimit-unified-5h-status: allowed
  anthropic-ratelimit-unified-5h-utilization: 0.0
  anthropic-ratelimit-unified-5h-reset: 1787296800
  anthropic-ratelimit-unified-7d-status: allowed
  anthropic-ratelimit-unified-7d-utilization: 0.53
  anthropic-ratelimit-unified-7d-reset: 1787695200
  anthropic-ratelimit-unified-fallback-percentage: 0.5
  anthropic-ratelimit-unified-overage-disabled-reason: member_zero_credit_limit
  anthropic-ratelimit-unified-overage-status: rejected
  anthropic-ratelimit-unified-representative-claim: five_hour
  anthropic-ratelimit-unified-reset: 1787296800
  anthropic-ratelimit-unified-status: allowed`);

export const SUBSCRIPTION_MODEL_429 = headersOf(`
  anthropic-ratelimit-unified-status: rejected
  anthropic-ratelimit-unified-representative-claim: seven_day_overage_included
  anthropic-ratelimit-unified-7d-status: allowed
  anthropic-ratelimit-unified-7d-utilization: 0.69
  anthropic-ratelimit-unified-5h-utilization: 0.00
  anthropic-ratelimit-unified-7d_oi-status: rejected
  anthropic-ratelimit-unified-7d_oi-utilization: 1.02`);

export const SUBSCRIPTION_CREDITS_429 = headersOf(`
  anthropic-ratelimit-unified-overage-disabled-reason: out_of_credits
  x-should-retry: true`);

export const GROQ_200 = headersOf(`
  date: Wed, 04 Sep 2024 10:23:06 GMT
  x-ratelimit-limit-requests: 14400
  x-ratelimit-limit-tokens: 30000
  x-ratelimit-remaining-requests: 14397
  x-ratelimit-remaining-tokens: 29987
  x-ratelimit-reset-requests: 17.399999999s
  x-ratelimit-reset-tokens: 26ms`);

export const MISTRAL_200 = headersOf(`
  date: Wed, 19 Aug 2026 14:35:13 GMT
  x-ratelimit-limit-tokens-minute: 100000
  x-ratelimit-remaining-tokens-minute: 98188
  x-ratelimit-tokens-query-cost: 166
  x-ratelimit-limit-req-minute: 100
  x-ratelimit-remaining-req-minute: 97`);

export const XAI_200 = headersOf(`
  x-ratelimit-limit-tokens: 10000000
  x-ratelimit-remaining-tokens: 10000000
  x-ratelimit-limit-requests: 1800
  x-ratelimit-remaining-requests: 1800`);

export const AZURE_200 = headersOf(`
  date: Tue, 31 Mar 2026 13:12:27 GMT
  x-ratelimit-abusepenalty-active: False
  x-ratelimit-limit-requests: 120
  x-ratelimit-limit-tokens: 120000
  x-ratelimit-remaining-requests: 119
  x-ratelimit-remaining-tokens: 119986
  x-ratelimit-renewalperiod-requests: 60
  x-ratelimit-renewalperiod-tokens: 60
  x-ratelimit-reset-requests: 500
  x-ratelimit-reset-tokens: 7`);

export const AZURE_429 = headersOf(`
  retry-after: 1
  retry-after-ms: 0
  x-ms-region: West Europe
  date: Wed, 19 Aug 2026 14:34:22 GMT`);

export const AZURE_429_BODY =
  '{"error":{"code":"RateLimitReached","message":"Your requests to grok-4-1-fast-non-reasoning for grok-4-1-fast-non-reasoning in westeurope have exceeded rate limit."}}';

export const AZURE_OLD_429 = headersOf(`
  x-rate-limit-reset-tokens: 55
  policy-id: DeploymentRatelimit-Token
  x-ms-region: West US`);

export const AZURE_UNKNOWN = headersOf(`
  x-ratelimit-limit-tokens: -1
  x-ratelimit-remaining-tokens: -1
  x-ratelimit-reset-tokens: 0`);

export const GEMINI_429_BODY = JSON.stringify({
  error: {
    code: 429,
    message: 'You exceeded your current quota. Please retry in 48.939935699s.',
    status: 'RESOURCE_EXHAUSTED',
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [
          {
            quotaMetric: 'generativelanguage.googleapis.com/generate_content_paid_tier_input_token_count',
            quotaId: 'GenerateContentPaidTierInputTokensPerModelPerMinute',
            quotaValue: '1000000',
          },
        ],
      },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '48s' },
    ],
  },
});

export const GEMINI_BAD_KEY =
  '{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}';

export const XAI_BAD_KEY =
  '{"code":"invalid-argument","error":"Incorrect API key provided. You can obtain an API key from https://console.x.ai."}';

export const BEDROCK_BAD_KEY = headersOf(
  'x-amzn-errortype: UnrecognizedClientException:http://internal.amazon.com/coral/com.amazon.coral.service/',
);

export const DEEPSEEK_BAD_KEY =
  '{"error":{"message":"Authentication Fails, Your api key: ****-key is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}';

export const CEREBRAS_200 = headersOf(`
  x-ratelimit-limit-requests-day: 14400
  x-ratelimit-limit-tokens-minute: 60000
  x-ratelimit-remaining-requests-day: 13693
  x-ratelimit-remaining-tokens-minute: 60000
  x-ratelimit-reset-requests-day: 11726.2840924263
  x-ratelimit-reset-tokens-minute: 26.28409242630005`);
