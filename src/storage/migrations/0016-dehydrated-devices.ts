export const dehydratedDevices = `
-- The one device of a user that nobody is logged in on; device_data is the JSON that lets a client become it.
CREATE TABLE dehydrated_devices (user_nid INTEGER PRIMARY KEY, device_nid INTEGER NOT NULL, device_data TEXT NOT NULL);
CREATE INDEX dehydrated_devices_by_device ON dehydrated_devices (device_nid);
`
