using Microsoft.ML.OnnxRuntime;

namespace Tiebreak.Tests.Repairs;

/// <summary>What ONNX Runtime makes of a file.</summary>
static class RuntimeOutputs
{
    /// <summary>The outputs on seeded data; free sizes are 3.</summary>
    public static double[][] Of(string path, int seed)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL };
        using var session = new InferenceSession(path, options);
        using var run = new RunOptions();
        var random = new Random(seed);
        var inputs = session.InputMetadata.ToDictionary(input => input.Key, input =>
        {
            var sizes = input.Value.Dimensions.Select(size => size > 0 ? (long)size : 3).ToArray();
            var values = new float[sizes.Aggregate(1L, (count, size) => count * size)];
            for (var k = 0; k < values.Length; k++) values[k] = (float)(random.NextDouble() * 2 - 1);
            return OrtValue.CreateTensorValueFromMemory(values, sizes);
        });
        try
        {
            using var results = session.Run(run, [.. inputs.Keys], [.. inputs.Values], [.. session.OutputMetadata.Keys]);
            return [.. results.Select(result => Array.ConvertAll(result.GetTensorDataAsSpan<float>().ToArray(), value => (double)value))];
        }
        finally
        {
            foreach (var input in inputs.Values) input.Dispose();
        }
    }

    /// <summary>The largest difference of two runs, as a share of the largest number.</summary>
    public static double Difference(double[][] one, double[][] other)
    {
        double most = 0, norm = 1e-30;
        Xunit.Assert.Equal(one.Select(output => output.Length), other.Select(output => output.Length));
        foreach (var (a, b) in one.SelectMany(output => output).Zip(other.SelectMany(output => output))) (most, norm) = (Math.Max(most, Math.Abs(a - b)), Math.Max(norm, Math.Abs(a)));
        return most / norm;
    }
}
