namespace Tiebreak.Tests.Formats.Families;

/// <summary>Layers written out for one sequence, [places][features]: slow, obvious, and sharing nothing with the program that is tested.</summary>
static class Plain
{
    /// <summary>One row of zeros and a one for each index.</summary>
    public static double[] OneHot(int rows, params int[] indices)
    {
        var hot = new double[indices.Length * rows];
        for (var k = 0; k < indices.Length; k++) hot[k * rows + indices[k]] = 1;
        return hot;
    }

    public static double[][] Rows(double[] table, int width, params int[] rows) => [.. rows.Select(row => table[(row * width)..((row + 1) * width)])];

    public static double[][] Each(double[][] x, Func<double[], double[]> change) => [.. x.Select(change)];

    public static double[][] Sum(double[][] x, double[][] y) => [.. x.Zip(y, (a, b) => a.Zip(b, (p, q) => p + q).ToArray())];

    public static double[][] Times(double[][] x, double[][] y) => [.. x.Zip(y, (a, b) => a.Zip(b, (p, q) => p * q).ToArray())];

    public static double[][] Map(double[][] x, Func<double, double> function) => Each(x, row => Array.ConvertAll(row, value => function(value)));

    /// <summary>x Wᵀ + b for a weight [outputs, inputs].</summary>
    public static double[][] Dense(double[][] x, double[] weight, double[]? bias = null)
    {
        var inputs = x[0].Length;
        return Each(x, row =>
        {
            var y = new double[weight.Length / inputs];
            for (var o = 0; o < y.Length; o++)
            {
                y[o] = bias is null ? 0 : bias[o];
                for (var i = 0; i < inputs; i++) y[o] += weight[o * inputs + i] * row[i];
            }

            return y;
        });
    }

    /// <summary>x W + b for a weight [inputs, outputs].</summary>
    public static double[][] DenseTurned(double[][] x, double[] weight, double[] bias) => Each(x, row =>
    {
        var y = (double[])bias.Clone();
        for (var i = 0; i < row.Length; i++)
            for (var o = 0; o < y.Length; o++) y[o] += row[i] * weight[i * y.Length + o];
        return y;
    });

    public static double[][] LayerNorm(double[][] x, double[] scale, double[] shift, double epsilon) => Each(x, row =>
    {
        var mean = row.Average();
        var variance = row.Select(value => (value - mean) * (value - mean)).Average();
        return [.. row.Select((value, k) => (value - mean) / Math.Sqrt(variance + epsilon) * scale[k] + shift[k])];
    });

    public static double[][] RmsNorm(double[][] x, double[] scale, double epsilon, double offset = 0) => Each(x, row =>
    {
        var square = row.Select(value => value * value).Average();
        return [.. row.Select((value, k) => value / Math.Sqrt(square + epsilon) * (offset + scale[k]))];
    });

    public static double[] Softmax(double[] scores)
    {
        var most = scores.Max();
        var weights = Array.ConvertAll(scores, score => Math.Exp(score - most));
        var total = weights.Sum();
        return Array.ConvertAll(weights, weight => weight / total);
    }

    /// <summary>Some features of each row.</summary>
    public static double[][] Part(double[][] x, int first, int count) => Each(x, row => row[first..(first + count)]);

    /// <summary>
    /// Attention of all heads: query head h reads key head h / (heads / shared). A score of query t and key s may be changed and left out.
    /// </summary>
    public static double[][] Attention(double[][] queries, double[][] keys, double[][] values, int heads, int shared, Func<int, int, int, double, double> score, Func<int, int, bool> sees)
    {
        var size = queries[0].Length / heads;
        var result = queries.Select(_ => new double[heads * (values[0].Length / shared)]).ToArray();
        var width = values[0].Length / shared;
        for (var head = 0; head < heads; head++)
        {
            var source = head / (heads / shared);
            for (var t = 0; t < queries.Length; t++)
            {
                var scores = new double[keys.Length];
                for (var s = 0; s < keys.Length; s++)
                {
                    double product = 0;
                    for (var k = 0; k < size; k++) product += queries[t][head * size + k] * keys[s][source * size + k];
                    scores[s] = sees(t, s) ? score(head, t, s, product) : double.NegativeInfinity;
                }

                var shares = Softmax(scores);
                for (var s = 0; s < keys.Length; s++)
                    for (var k = 0; k < width; k++) result[t][head * width + k] += shares[s] * values[s][source * width + k];
            }
        }

        return result;
    }

    /// <summary>Turns pairs (k, k + half) of the first features of each head by place times frequency.</summary>
    public static double[][] Rotate(double[][] x, int heads, double[] frequencies, double factor = 1) => [.. x.Select((row, place) =>
    {
        var turned = (double[])row.Clone();
        var size = row.Length / heads;
        for (var head = 0; head < heads; head++)
        {
            for (var k = 0; k < frequencies.Length; k++)
            {
                var (a, b) = (head * size + k, head * size + k + frequencies.Length);
                var (cos, sin) = (factor * Math.Cos(place * frequencies[k]), factor * Math.Sin(place * frequencies[k]));
                turned[a] = row[a] * cos - row[b] * sin;
                turned[b] = row[b] * cos + row[a] * sin;
            }
        }

        return turned;
    })];

    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    public static double Relu(double x) => Math.Max(x, 0);

    public static double GeluTanh(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    /// <summary>x Φ(x), where the error function is a sum of many thin slices.</summary>
    public static double Gelu(double x)
    {
        const int Slices = 20_000;
        double area = 0;
        var step = x / Math.Sqrt(2) / Slices;
        for (var k = 0; k < Slices; k++) area += Math.Exp(-Math.Pow((k + 0.5) * step, 2)) * step;
        return 0.5 * x * (1 + area * 2 / Math.Sqrt(Math.PI));
    }

    public static double[] Flat(double[][] x) => [.. x.SelectMany(row => row)];

    public static void Near(double[] expected, double[] actual, double within = 1e-9)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        for (var k = 0; k < expected.Length; k++)
            if (!(Math.Abs(expected[k] - actual[k]) <= within * (1 + Math.Abs(expected[k])))) Xunit.Assert.Fail($"element {k}: {expected[k]:R} expected, {actual[k]:R} computed");
    }
}
