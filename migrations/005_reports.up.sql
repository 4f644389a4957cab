-- Views for reporting: stable names over tables that may gain columns. Days are those of the session's time zone.

CREATE VIEW report_calls AS
SELECT calls.id AS call_id, calls.campaign_id, campaigns.name AS campaign, calls.lead_id, leads.name AS lead,
    CASE calls.direction WHEN 'inbound' THEN calls.from_phone ELSE calls.to_phone END AS phone,
    calls.direction, calls.provider, calls.provider_call_id, calls.status, calls.outcome, calls.language,
    calls.created_at, calls.started_at, calls.answered_at, calls.ended_at, calls.duration_seconds,
    extract(epoch FROM calls.answered_at - calls.started_at)::double precision AS seconds_to_answer,
    said.turns, said.caller_turns, said.model_seconds, used.tool_calls, used.tool_failures, booked.meetings,
    calls.summary, calls.extracted, calls.cost, calls.cost_currency, calls.error
FROM calls
LEFT JOIN campaigns ON campaigns.id = calls.campaign_id
LEFT JOIN leads ON leads.id = calls.lead_id
CROSS JOIN LATERAL (
    SELECT count(*) AS turns, count(*) FILTER (WHERE role = 'caller') AS caller_turns,
        coalesce(sum(model_ms), 0) / 1000 AS model_seconds
    FROM turns WHERE turns.call_id = calls.id) AS said
CROSS JOIN LATERAL (
    SELECT count(*) AS tool_calls, count(*) FILTER (WHERE NOT success) AS tool_failures
    FROM tool_calls WHERE tool_calls.call_id = calls.id) AS used
CROSS JOIN LATERAL (
    SELECT count(*) AS meetings FROM meetings
    WHERE meetings.call_id = calls.id AND meetings.status = 'confirmed') AS booked;
COMMENT ON VIEW report_calls IS 'One row per call, with its lead and campaign, how much was said, used and booked, and the cost.';

CREATE VIEW report_campaigns AS
SELECT campaigns.id AS campaign_id, campaigns.name AS campaign, campaigns.status, dialled.day,
    coalesce(dialled.calls, 0) AS calls, coalesce(dialled.leads, 0) AS leads,
    coalesce(dialled.answered, 0) AS answered, coalesce(dialled.talked, 0) AS talked,
    coalesce(dialled.meetings, 0) AS meetings, coalesce(dialled.outcomes, '{}') AS outcomes,
    coalesce(dialled.minutes, 0) AS minutes,
    round(100.0 * dialled.answered / nullif(dialled.calls, 0), 1) AS answered_percent,
    round(100.0 * dialled.meetings / nullif(dialled.talked, 0), 1) AS meetings_per_talk_percent
FROM campaigns
LEFT JOIN LATERAL (
    SELECT by_outcome.day, sum(calls)::bigint AS calls, sum(leads)::bigint AS leads, sum(answered)::bigint AS answered,
        sum(talked)::bigint AS talked, sum(meetings)::bigint AS meetings, round(sum(seconds) / 60.0, 1) AS minutes,
        jsonb_object_agg(by_outcome.outcome, calls) AS outcomes
    FROM (
        SELECT started_at::date AS day, coalesce(outcome, status) AS outcome, count(*) AS calls,
            -- A lead counts on the day of its first call.
            count(*) FILTER (WHERE NOT EXISTS (SELECT FROM calls AS earlier
                WHERE earlier.lead_id = calls.lead_id AND earlier.id < calls.id AND earlier.started_at IS NOT NULL)
                AND lead_id IS NOT NULL) AS leads,
            count(answered_at) AS answered,
            count(*) FILTER (WHERE EXISTS (SELECT FROM turns
                WHERE turns.call_id = calls.id AND role = 'caller')) AS talked,
            count(*) FILTER (WHERE outcome = 'meeting_scheduled') AS meetings,
            coalesce(sum(duration_seconds), 0) AS seconds
        FROM calls WHERE calls.campaign_id = campaigns.id AND started_at IS NOT NULL
        GROUP BY 1, 2) AS by_outcome
    GROUP BY by_outcome.day) AS dialled ON true;
COMMENT ON VIEW report_campaigns IS
    'The funnel of a campaign by day: calls dialled, leads reached for the first time, answered, talked with, meetings; '
    'outcomes counts calls by outcome (by status while they have none). The day is NULL before the first dial.';

CREATE VIEW report_meetings AS
SELECT meetings.id AS meeting_id, meetings.status, meetings.starts_at, meetings.ends_at, meetings.title,
    meetings.guest_name, meetings.guest_email, meetings.calendar_id, meetings.calendar_event_id, meetings.calendar_link,
    meetings.reason, meetings.created_at, meetings.confirmed_at,
    meetings.call_id, calls.outcome AS call_outcome, calls.campaign_id, campaigns.name AS campaign,
    meetings.lead_id, leads.name AS lead, leads.phone
FROM meetings
LEFT JOIN calls ON calls.id = meetings.call_id
LEFT JOIN campaigns ON campaigns.id = calls.campaign_id
LEFT JOIN leads ON leads.id = meetings.lead_id;
COMMENT ON VIEW report_meetings IS 'One row per meeting, with the call, lead and campaign that it came from.';

CREATE VIEW report_tools AS
SELECT name, count(*) AS calls, count(*) FILTER (WHERE NOT success) AS failures,
    round(100.0 * count(*) FILTER (WHERE NOT success) / count(*), 1) AS failure_percent,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) AS p50_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ms) AS p99_ms,
    max(created_at) AS last_called_at
FROM tool_calls GROUP BY name;
COMMENT ON VIEW report_tools IS 'Calls, failures and durations by tool. A call without a result yet is neither.';

-- Ended jobs of the last day only: the history is long, and its partitions are by day.
CREATE VIEW report_jobs AS
SELECT coalesce(alive.kind, ended.kind) AS kind, coalesce(alive.queue, ended.queue) AS queue,
    coalesce(available, 0) AS available, coalesce(scheduled, 0) AS scheduled, coalesce(blocked, 0) AS blocked,
    coalesce(running, 0) AS running, oldest_wait_seconds,
    coalesce(completed, 0) AS completed, coalesce(failed, 0) AS failed, coalesce(cancelled, 0) AS cancelled,
    coalesce(expired, 0) AS expired, p50_wait_ms, p99_wait_ms, p50_run_ms, p99_run_ms
FROM (
    SELECT kind, queue, count(*) FILTER (WHERE state = 'available') AS available,
        count(*) FILTER (WHERE state = 'scheduled') AS scheduled, count(*) FILTER (WHERE state = 'blocked') AS blocked,
        count(*) FILTER (WHERE state = 'running') AS running,
        extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'available'))::double precision
            AS oldest_wait_seconds
    FROM jobs GROUP BY kind, queue) AS alive
FULL JOIN (
    SELECT kind, queue, count(*) FILTER (WHERE state = 'completed') AS completed,
        count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE state = 'expired') AS expired,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM claimed_at - run_at) * 1000) AS p50_wait_ms,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM claimed_at - run_at) * 1000) AS p99_wait_ms,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - claimed_at) * 1000) AS p50_run_ms,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - claimed_at) * 1000) AS p99_run_ms
    FROM finished_jobs WHERE finished_at > now() - interval '1 day' GROUP BY kind, queue) AS ended
USING (kind, queue);
COMMENT ON VIEW report_jobs IS
    'Jobs by kind and queue: what waits and runs now, and how those of the last 24 hours ended, waited and ran.';

CREATE VIEW report_costs AS
SELECT campaigns.id AS campaign_id, campaigns.name AS campaign, ended_at::date AS day, cost_currency AS currency,
    count(*) AS calls, round(coalesce(sum(duration_seconds), 0) / 60.0, 1) AS minutes, sum(cost) AS cost,
    sum(telephony_cost) FILTER (WHERE telephony_currency IS NOT DISTINCT FROM cost_currency) AS telephony_cost,
    sum(model_cost) AS model_cost,
    count(*) FILTER (WHERE telephony_cost IS NULL AND provider_call_id IS NOT NULL) AS calls_without_price,
    count(*) FILTER (WHERE outcome = 'meeting_scheduled') AS meetings,
    round(sum(cost) / nullif(count(*) FILTER (WHERE outcome = 'meeting_scheduled'), 0), 6) AS cost_per_meeting
FROM calls LEFT JOIN campaigns ON campaigns.id = calls.campaign_id
WHERE finalized_at IS NOT NULL
GROUP BY campaigns.id, campaigns.name, ended_at::date, cost_currency;
COMMENT ON VIEW report_costs IS
    'What calls cost by campaign, day and currency. Amounts that the telephone provider states in another currency are left '
    'out here and stand in calls.telephony_cost.';
