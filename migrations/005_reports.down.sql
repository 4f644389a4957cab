DROP VIEW report_costs;
DROP VIEW report_jobs;
DROP VIEW report_tools;
DROP VIEW report_meetings;
DROP VIEW report_campaigns;
DROP VIEW report_calls;
