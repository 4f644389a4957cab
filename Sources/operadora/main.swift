print("operadora")
