"""Sources of samples: OPC UA, PI Web API, SQL."""
