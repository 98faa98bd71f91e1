/** What is simulated where no file is named: the same as examples/scenarios/saturated-anthropic.yaml. */
export const DEFAULT_SCENARIO = `description: >-
  Demand a third above capacity, estimates wrong by up to 40 %, calls of 0.1 to 60 s; two of four keys share an organization, which only
  the headers of responses tell.
duration: 10m
provider:
  dialect: anthropic
  limits: { requests: 200, input_tokens: 120000, output_tokens: 60000 } # a minute, of each organization
  fill: 0.1
keys:
  - { id: alpha, organization: org-red }
  - { id: beta, organization: org-red }
  - { id: gamma, organization: org-green }
  - { id: delta, organization: org-blue }
load:
  rate: 6.6
  holders: 4
  input_tokens: { median: 1000 }
  output_tokens: { median: 300 }
  length: { min: 100ms, median: 4s, max: 60s }
  estimate_error: 0.4
  crashed: 0.002
  late: 0.02
patience: { max_wait: 30s, give_up: 60s }
`;
