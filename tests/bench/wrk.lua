-- Requests a token for each visitor in turn; the file BEARERS has a credential on each line. Each
-- connection waits PAUSE milliseconds before a request, which its latency does not include.

local bearers = {}
for line in io.lines(os.getenv("BEARERS")) do
  bearers[#bearers + 1] = line
end
-- Runs of one process begin where chance says, so that they do not meet the same visitors.
math.randomseed(os.time())
local turn = math.random(#bearers)

request = function()
  turn = turn % #bearers + 1
  return wrk.format("POST", "/token", { Authorization = "Bearer " .. bearers[turn] })
end

local pause = tonumber(os.getenv("PAUSE"))
if pause > 0 then
  delay = function()
    return pause
  end
end

done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99)))
end
