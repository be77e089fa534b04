namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Attention by plain loops over [batch, heads, positions, features]; a mask may hold −∞.</summary>
sealed record PlainAttention(int Batch, int Heads, int KeyHeads, int Queries, int Keys, int Size)
{
    public double Scale { get; init; } = double.NaN;

    public double Softcap { get; init; }

    public Func<int, int, int, int, double> Mask { get; init; } = (_, _, _, _) => 0;

    public double[] Of(double[] q, double[] k, double[] v)
    {
        var y = new double[Batch * Heads * Queries * Size];
        var scale = double.IsNaN(Scale) ? 1 / Math.Sqrt(Size) : Scale;
        for (var b = 0; b < Batch; b++)
        {
            for (var h = 0; h < Heads; h++)
            {
                var shared = h / (Heads / KeyHeads);
                for (var s = 0; s < Queries; s++)
                {
                    var weights = new double[Keys];
                    for (var t = 0; t < Keys; t++)
                    {
                        double score = 0;
                        for (var d = 0; d < Size; d++) score += q[((b * Heads + h) * Queries + s) * Size + d] * k[((b * KeyHeads + shared) * Keys + t) * Size + d];
                        score *= scale;
                        if (Softcap > 0) score = Softcap * Math.Tanh(score / Softcap);
                        weights[t] = Math.Exp(score + Mask(b, h, s, t));
                    }

                    for (var d = 0; d < Size; d++)
                        for (var t = 0; t < Keys; t++) y[((b * Heads + h) * Queries + s) * Size + d] += weights[t] / weights.Sum() * v[((b * KeyHeads + shared) * Keys + t) * Size + d];
                }
            }
        }

        return y;
    }

    /// <summary>[batch, positions, heads · size] from [batch, heads, positions, size].</summary>
    public static double[] Joined(double[] x, int batch, int heads, int positions, int size) =>
        [.. from b in Enumerable.Range(0, batch) from s in Enumerable.Range(0, positions) from h in Enumerable.Range(0, heads) from d in Enumerable.Range(0, size) select x[((b * heads + h) * positions + s) * size + d]];

    /// <summary>[batch, heads, positions, size] from [batch, positions, heads · size].</summary>
    public static double[] Split(double[] x, int batch, int heads, int positions, int size) =>
        [.. from b in Enumerable.Range(0, batch) from h in Enumerable.Range(0, heads) from s in Enumerable.Range(0, positions) from d in Enumerable.Range(0, size) select x[((b * positions + s) * heads + h) * size + d]];
}
