import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Writes {@code count} records to partition 0 of {@code <prefix><codec>} for each codec: what the Java producer makes of it.
 * Every seventh key and every eleventh value is null. Every topic gets the same records.
 * Arguments: brokers prefix codec,codec,.. count valueBytes
 */
public class ProduceRecords {
  public static void main(String[] args) {
    for (String codec : args[2].split(",")) {
      produce(args[0], args[1] + codec, codec, Integer.parseInt(args[3]), Integer.parseInt(args[4]));
    }
  }

  private static void produce(String brokers, String topic, String codec, int count, int valueBytes) {
    Properties config = new Properties();
    config.put("bootstrap.servers", brokers);
    config.put("compression.type", codec);
    config.put("linger.ms", "20");
    config.put("batch.size", "65536");
    Random random = new Random(7);
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < count; i++) {
        byte[] key = i % 7 == 6 ? null : ("key-" + i).getBytes();
        byte[] value = i % 11 == 10 ? null : value(i, valueBytes, random);
        producer.send(new ProducerRecord<>(topic, 0, 1_700_000_000_000L + i, key, value));
      }
    }
  }

  private static byte[] value(int i, int bytes, Random random) {
    StringBuilder text = new StringBuilder("{\"number\":" + i + ",\"text\":\"");
    while (text.length() < bytes) text.append("word").append(random.nextInt(100)).append(' ');
    return text.append("\"}").toString().getBytes();
  }
}
